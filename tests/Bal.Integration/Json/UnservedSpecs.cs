using System.Net;
using System.Text.Json;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Json;
using Bal.Integration.DataPlane;
using LanguageExt;

namespace Bal.Integration.Json;

/// <summary>Every way in which a connection can end, and every reason why a client is not served, is said.</summary>
public sealed class UnservedSpecs
{
    private static readonly Instant Now = new(1_000_000);
    private static readonly ServiceId Only = new(1);

    public static TheoryData<Refusal> Reasons => new(Enum.GetValues<Refusal>());

    public static TheoryData<TerminationReason> Ends => new(Enum.GetValues<TerminationReason>());

    [Theory]
    [MemberData(nameof(Reasons))]
    public void A_client_that_got_no_service_is_in_the_status_the_log_and_the_counters(Refusal reason)
    {
        var word = ServiceCounters.Of(reason).Word;
        var step = ControlMachine.Step(new ControlEvent.ClientsRefused(Only, reason, 7), Now, Started);

        var line = Assert.Single(step.Effects.OfType<ControlEffect.Log>()).Line;
        // Who is turned away because the operator says so is counted and logged, and nothing is wrong.
        var wrong = reason
            is not (Refusal.Denied or Refusal.ClientLimit or Refusal.ClientRate or Refusal.ServerName);
        Assert.Equal(wrong, line.Level >= LogLevel.Warn);
        Assert.StartsWith("7 ", line.Message, StringComparison.Ordinal);

        var report = Report(step.State, 59_000, ServiceCounters.Of(reason));
        Assert.Equal(wrong ? OverallStatus.Warn : OverallStatus.Ok, report.Overall);
        var text = StatusText.Concise(report);
        foreach (var said in new[]
        {
            $"7 clients were not served in the last minute ({word}): {RefusalText.Of(reason).What}",
            $"why_likely: {RefusalText.Of(reason).WhyLikely}",
            $"do_this_now: {RefusalText.Of(reason).DoThisNow}",
        })
            Assert.Equal(wrong, text.Contains(said, StringComparison.Ordinal));
        Assert.Contains($"7 {word}", StatusText.Verbose(report), StringComparison.Ordinal);

        using var json = JsonDocument.Parse(StatusJson.Write(report));
        foreach (var part in new[] { json.RootElement, json.RootElement.GetProperty("services")[0] })
        {
            Assert.Equal(7, part.GetProperty("rejected").GetProperty(word).GetInt64());
            Assert.Equal(7, part.GetProperty("unserved_last_minute").GetProperty(word).GetInt64());
            Assert.Equal(reason == Refusal.Limit ? 7 : 0, part.GetProperty("rejected_connections").GetInt64());
        }

        Assert.Equal(OverallStatus.Ok, Report(step.State, 60_000, ServiceCounters.Of(reason)).Overall);
    }

    [Fact]
    public void Where_descriptors_set_the_limit_the_advice_is_to_raise_that_of_open_files()
    {
        var step = ControlMachine.Step(new ControlEvent.ClientsRefused(Only, Refusal.Limit, 7), Now, Started);
        var report = Report(step.State, 0, ServiceCounters.Of(Refusal.Limit));
        var limited = report with
        {
            Services = report.Services.Map(service => service with
            {
                ActiveConnections = 10,
                MaxConcurrentConnections = 10,
                ConfiguredConnections = Option<int>.Some(4000),
            }),
        };

        var text = StatusText.Concise(limited);

        Assert.Contains("10 of 10 connections are in use", text, StringComparison.Ordinal);
        Assert.Contains("the limit of open files allows only 10", text, StringComparison.Ordinal);
        Assert.Contains(RefusalText.Of(Refusal.Descriptors).DoThisNow, text, StringComparison.Ordinal);
        Assert.DoesNotContain("raise max_concurrent_connections", text, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Ends))]
    public void Every_end_of_a_connection_is_counted_and_those_that_nobody_asked_for_are_logged(TerminationReason end)
    {
        var counter = ServiceCounters.Of(end);
        using var json = JsonDocument.Parse(StatusJson.Write(Report(Started, 0, counter)));
        Assert.Equal(7, json.RootElement.GetProperty("terminations").GetProperty(counter.Word).GetInt64());
        Assert.Contains($"7 {counter.Word}", StatusText.Verbose(Report(Started, 0, counter)), StringComparison.Ordinal);

        switch (end)
        {
            // Whoever ended it knows why.
            case TerminationReason.Completed or TerminationReason.ClientReset or TerminationReason.BackendReset
                or TerminationReason.ClientAborted:
            // The end of a drain, and what becomes of a backend, of which the log tells.
            case TerminationReason.Cut or TerminationReason.Drain:
            case TerminationReason.BackendDown or TerminationReason.PrimaryUp:
            // Without service: the loop counts the client under a refusal as well.
            case TerminationReason.NoBackend or TerminationReason.LocalFailure:
            case var rejected when Refusals.All.Exists(reason => Rejections.EndOf(reason) == rejected):
            // An operator did, and was told how many.
            case TerminationReason.SessionsReset:
                break;
            default:
                var step = ControlMachine.Step(new ControlEvent.ConnectionsSilenced(Only, end, 7), Now, Started);
                var line = Assert.Single(step.Effects.OfType<ControlEffect.Log>()).Line;
                Assert.Equal("connections_ended", line.Event);
                Assert.StartsWith("7 connections ended: ", line.Message, StringComparison.Ordinal);
                Assert.Contains(LogField.Of("reason", counter.Word), line.Fields);
                break;
        }
    }

    [Fact]
    public void A_client_that_no_backend_serves_is_counted_under_its_reason_before_it_knows()
    {
        using var plane = new LivePlane(1, Ports.Free());
        using (var client = plane.Client())
            Assert.True(client.ReadToEnd().Reset);

        Assert.Equal(1, plane.Plane.Measure().Of(ServiceCounters.Of(Refusal.BackendsUnavailable)));
        Assert.Equal(
            [new ControlEvent.ClientsRefused(Only, Refusal.BackendsUnavailable, 1)], plane.Plane.News());
        Assert.Empty(plane.Plane.News());
        plane.UntilEnded(TerminationReason.NoBackend);
    }

    [Theory]
    [InlineData(24, Refusal.Descriptors)]
    [InlineData(23, Refusal.Descriptors)]
    [InlineData(99, Refusal.LocalPorts)]
    [InlineData(105, Refusal.KernelMemory)]
    [InlineData(12, Refusal.KernelMemory)]
    [InlineData(101, Refusal.NoRoute)]
    [InlineData(113, Refusal.NoRoute)]
    [InlineData(13, Refusal.NoRoute)]
    [InlineData(1, Refusal.NoRoute)]
    [InlineData(97, Refusal.NoRoute)]
    [InlineData(111, Refusal.BackendsUnavailable)]
    [InlineData(110, Refusal.BackendsUnavailable)]
    [InlineData(38, Refusal.KernelRefusal)]
    public void An_errno_has_a_reason(int errno, Refusal reason) => Assert.Equal(reason, ConnectErrors.CauseOf(errno));

    private static ControlState Started => ControlMachine.Start(
        new BalConfig(Mode.Simple, LogLevel.Info, Option<int>.None, Prelude.Array(new Service(
            "default", new Listener(new Host.Address(IPAddress.Loopback), 1), Method.RoundRobin,
            Prelude.Array(new BackendConfig(new Endpoint(new Host.Address(IPAddress.Loopback), 2))), Tuning.For(1)))),
        Now).State;

    private static StatusReport Report(ControlState state, long later, ServiceCounter counter) => StatusReports.Of(
        new ProcessIdentity(1, "/c", "1", Now),
        new Traffic(Prelude.Array(ServiceTraffic.NoneOf(Only).With(counter, 7)), Arr<BackendTraffic>.Empty),
        new ClockReading(Now.Plus(new(later)), DateTimeOffset.UnixEpoch),
        state);
}
