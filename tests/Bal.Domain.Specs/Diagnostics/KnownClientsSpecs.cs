using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Explain;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Domain.Specs.Generators;
using FsCheck;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Diagnostics;

/// <summary>What the reports say of limits per client.</summary>
public sealed class KnownClientsSpecs
{
    private static readonly ProcessIdentity Process = new(4711, "/etc/bal/config.yaml", "0.1.0", Instant.Zero);
    private static readonly ClockReading Clock = new(new Instant(1_000), DateTimeOffset.UnixEpoch);

    [Property]
    public void They_say_how_many_are_known_and_that_newcomers_share_is_a_problem(NonNegativeInt known, bool share)
    {
        var state = Limited(new(7, 20));
        var traffic = With(new KnownClients(known.Get, share));
        var report = StatusReports.Of(Process, traffic, Clock, state);
        var said = $"at most 7 connections and 20 a second for each client; {Plural.Of(known.Get, "client")} known";

        Assert.Contains($"clients: {said}", StatusText.Verbose(report), StringComparison.Ordinal);
        Assert.Equal(share ? OverallStatus.Warn : OverallStatus.Ok, report.Overall);
        Assert.Equal(share, StatusProblems.Of(report).Exists(p => p.Code == "clients_not_told_apart"));
        var lines = ServiceText.Lines(Clock, ExplainService.Of(state.Services[1], traffic, Clock.Now, state));
        Assert.Contains(lines, line => line.StartsWith($"client_limits: {said}", StringComparison.Ordinal)
            && share == line.EndsWith(", newcomers share the limits of one client", StringComparison.Ordinal));
    }

    [Fact]
    public void One_limit_is_said_alone_and_without_any_nothing_is_said()
    {
        Assert.Equal("at most 1 connection for each client", ClientsText.Of(new ClientLimits(1, Option<int>.None)));
        Assert.Equal("3 a second for each client", ClientsText.Of(new ClientLimits(Option<int>.None, 3)));
        var report = StatusReports.Of(Process, Traffic.None, Clock, Limited(ClientLimits.None));
        Assert.DoesNotContain("clients:", StatusText.Verbose(report), StringComparison.Ordinal);
    }

    private static Traffic With(KnownClients clients) => Traffic.None with
    {
        Services = Prelude.Array(ServiceTraffic.NoneOf(new ServiceId(1)) with { Clients = clients }),
    };

    private static ControlState Limited(ClientLimits limits)
    {
        var config = Configs.Of(Configs.Service(Tuning.For(1), Configs.At("10.0.0.1", 9_000)) with
        {
            ClientLimits = limits,
        });
        return ControlMachine.Start(config, Instant.Zero).State;
    }
}
