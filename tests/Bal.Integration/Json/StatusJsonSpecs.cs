using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using Bal.Infrastructure.Json;
using FsCheck;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Integration.Json;

/// <summary>What the daemon writes, the command reads.</summary>
public sealed class StatusJsonSpecs
{
    [Property]
    public void A_report_survives_its_json(
        NonNull<string> path, PositiveInt pid, NonNegativeInt count, bool protection, bool refused, bool stopping)
    {
        // Milliseconds are what the text carries, and a lone surrogate has no JSON form.
        var at = DateTimeOffset.UnixEpoch.AddMilliseconds(count.Get);
        var name = new string([.. path.Get.Where(c => !char.IsSurrogate(c))]);
        var report = new StatusReport(
            true, pid.Get, name,
            Prelude.Array("orders", "cache").Map(service => new ServiceReport(
                service, Prelude.Array("[::]", "127.0.0.1"), 9295, "round_robin", 4_000, service == "cache"
                    && stopping, 2, 1,
                count.Get, ServiceCounters.All.Map(counter => counter.Kind is CounterKind.Lasted or CounterKind.Waited
                    ? 0L : counter.Index + count.Get),
                protection ? new ProtectionReport(true, "timeout_or_refused_storm", at) : ProtectionReport.Off)
            {
                ConfiguredConnections = refused ? 9_000 : Option<int>.None,
                Unserved = ServiceReport.Nobody.Map(_ => (long)count.Get),
                ClientLimits = new(refused ? 5 : Option<int>.None, protection ? 6 : Option<int>.None),
                Clients = stopping ? new KnownClients(count.Get, NewcomersShare: refused) : Option<KnownClients>.None,
            }),
            Prelude.Array("orders", "cache").Map(service => new BackendReport(
                service, "[::1]:1", true, "up", 1, 2, 3, 4, at, Option<DateTimeOffset>.None, new FailureCounters(
                    5, 6, 7))),
            "0.2.0", 8, 9, stopping, Prelude.Array(new PreviousReport(7, "0.1.0", 3, at)),
            refused ? new RefusedReloadReport(at, new Problem("c", name, "b", "d")) : Option<RefusedReloadReport>.None);

        var read = StatusJson.Read(StatusJson.Write(report));

        read.Match(Right: again => Assert.Equal(report, again), Left: why => Assert.Fail(why));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("{\"running\": 1}")]
    public void An_answer_of_another_kind_is_refused_and_not_thrown(string answer) =>
        Assert.True(StatusJson.Read(System.Text.Encoding.UTF8.GetBytes(answer)).IsLeft);
}
