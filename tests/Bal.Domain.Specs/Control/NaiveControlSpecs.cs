using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Control;
using Bal.Domain.History;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// The composed machine beside <see cref="NaiveControl"/>, over lives in which anything happens but a change of policy:
/// both always agree.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)], MaxTest = 200)]
public class NaiveControlSpecs
{
    [Property]
    public void Health_and_counters_are_what_the_history_says(SteadyScenario steady) =>
        Compare(steady, (naive, backend, told, _) =>
        {
            Assert.Equal(naive.IsUp(told), backend.Health.Up);
            Assert.Equal(
                new FailureCounters(
                    told.CountOf(FailureKind.Timeout),
                    told.CountOf(FailureKind.Refused),
                    told.CountOf(FailureKind.Other)),
                backend.Failures);
        });

    [Property]
    public void Cooldowns_are_what_the_failed_clients_say(SteadyScenario steady) =>
        Compare(steady, (_, backend, told, o) =>
        {
            Assert.Equal(told.FailedClients, backend.Cooldown.Streak);
            Assert.Equal(o.Now.Milliseconds < told.CoolsUntil, backend.Cooldown.IsCooling(o.Now));
        });

    [Property]
    public void Protection_mode_is_what_the_failures_of_all_clients_say(SteadyScenario steady) =>
        Compare(steady, (naive, _, _, o) => Assert.Equal(naive.Protected, o.After.State.Protected()));

    [Property]
    public void Identities_and_probes_in_flight_are_as_told(SteadyScenario steady) =>
        Compare(steady, (_, backend, told, _) => Assert.Equal(
            (told.Id, told.Endpoint, told.InFlight), (backend.Id.Value, backend.Endpoint, backend.Probe.InFlight)));

    [Property]
    public void Clients_are_offered_what_the_history_says(SteadyScenario steady) =>
        Compare(steady, (naive, _, told, o) =>
        {
            var table = o.After.State.InOrder[0].Table;
            var cools = o.Now.Milliseconds < told.CoolsUntil;
            var expected = !naive.IsUp(told) ? Tier.Down : cools ? Tier.Cooling : Tier.Up;
            var offered = expected switch { Tier.Up => table.Up, Tier.Cooling => table.Cooling, _ => table.Down };
            Assert.Equal(told.Resolved ? 1 : 0, table.Routes().Count(r => r.Id.Value == told.Id));
            Assert.Equal(told.Resolved, offered.Exists(r => r.Id.Value == told.Id));
        });

    [Property]
    public void What_took_a_backend_out_is_what_the_history_says(SteadyScenario steady) =>
        Compare(steady, (_, backend, told, _) => AgreeOnOutage(told, backend));

    internal static void AgreeOnOutage(NaiveBackend told, BackendState backend)
    {
        Assert.Equal(Counted(told.InARow), Counted(backend.History.FailuresInARow()));
        var outage = backend.History.LastOutage.FirstOrDefault();
        Assert.Equal(
            (told.Outage?.Since, told.Outage?.Until),
            (outage?.Since.Milliseconds, outage?.Until.Select(at => (long?)at.Milliseconds).FirstOrDefault()));
        if (told.Outage is { } was && outage is { } remembered)
            Assert.Equal(Counted(was.Cause), Counted(remembered.Cause));
    }

    // In the order of their coming, each kind with how often it came.
    private static IEnumerable<(BackendHappening What, long Count)> Counted(
        IEnumerable<BackendHappening.Failed> failures) =>
        failures.GroupBy(f => f).Select(same => ((BackendHappening)same.Key, same.LongCount()));

    private static IEnumerable<(BackendHappening What, long Count)> Counted(
        LanguageExt.Arr<Domain.History.BackendEntry> entries) => entries.Select(e => (e.What, e.Count));

    private static void Compare(
        SteadyScenario steady, Action<NaiveControl, BackendState, NaiveBackend, Observation> agree)
    {
        var naive = new NaiveControl(steady.Scenario.Config, Life.Birth.Milliseconds);
        Life.Of(steady.Scenario, o =>
        {
            if (o.Before.Phase is Phase.Ended)
                return;
            naive.Happened(o.Happened, o.Now.Milliseconds);
            var configured = o.After.State.InOrder[0].InOrder.Filter(b => !b.Draining);
            Assert.Equal(naive.Backends.Count, configured.Count);
            foreach (var (backend, told) in configured.Zip(naive.Backends))
                agree(naive, backend, told, o);
        });
    }
}
