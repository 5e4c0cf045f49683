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
    public void Which_service_each_of_a_new_file_is_goes_by_name_then_by_listener_then_by_what_still_drains(
        SteadyFleet steady) =>
        Follow(steady, (naive, o) =>
        {
            var (living, gone) =
                (o.After.State.InOrder.Filter(s => !s.Removed), o.After.State.InOrder.Filter(s => s.Removed));
            Assert.Equal(naive.Services.Select(s => (s.Id, s.Name)), living.Map(s => (s.Id.Value, s.Config.Name)));
            Assert.Equal(naive.Gone.Select(s => (s.Id, s.Name)), gone.Map(s => (s.Id.Value, s.Config.Name)));
            Assert.Equal(living.Count, o.After.State.InOrder.TakeWhile(s => !s.Removed).Count());
        });

    [Property]
    public void What_drains_is_waited_for_in_its_service_until_it_is_idle_or_comes_back(SteadyFleet steady) =>
        Follow(steady, (naive, o) => Assert.Equal(
            naive.Services.Concat(naive.Gone).Select(s => (s.Id, s.Leaving.Select(b => b.Id).ToArr())),
            o.After.State.InOrder.Map(s => (s.Id.Value, s.InOrder.Filter(b => b.Draining).Map(b => b.Id.Value)))));

    [Property]
    public void Health_and_counters_are_what_the_history_says(SteadyFleet steady) =>
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
    public void Cooldowns_are_what_the_failed_clients_say(SteadyFleet steady) =>
        Compare(steady, (_, backend, told, o) =>
        {
            Assert.Equal(told.FailedClients, backend.Cooldown.Streak);
            Assert.Equal(o.Now.Milliseconds < told.CoolsUntil, backend.Cooldown.IsCooling(o.Now));
        });

    [Property]
    public void Protection_mode_is_what_the_failures_of_all_clients_say(SteadyFleet steady) =>
        Follow(steady, (naive, o) => Assert.Equal(
            naive.Services.Concat(naive.Gone).Select(s => (s.Id, s.Protection.On)),
            o.After.State.InOrder.Map(s => (s.Id.Value, s.Protection.IsOn))));

    [Property]
    public void Identities_and_probes_in_flight_are_as_told(SteadyFleet steady) =>
        Compare(steady, (_, backend, told, _) => Assert.Equal(
            (told.Id, told.Endpoint, told.InFlight), (backend.Id.Value, backend.Endpoint, backend.Probe.InFlight)));

    [Property]
    public void Clients_are_offered_what_the_history_says(SteadyFleet steady) =>
        Compare(steady, (naive, _, told, o) =>
        {
            var table = o.After.State.ServiceOf(told.Id).Table;
            var cools = o.Now.Milliseconds < told.CoolsUntil;
            var expected = !naive.IsUp(told) ? Tier.Down : cools ? Tier.Cooling : Tier.Up;
            var offered = expected switch { Tier.Up => table.Up, Tier.Cooling => table.Cooling, _ => table.Down };
            Assert.Equal(told.Resolved ? 1 : 0, table.Routes().Count(r => r.Id.Value == told.Id));
            Assert.Equal(told.Resolved, offered.Exists(r => r.Id.Value == told.Id));
        });

    [Property]
    public void What_took_a_backend_out_is_what_the_history_says(SteadyFleet steady) =>
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

    // In the order of their coming, each kind with how often it came; those of this machine where there are no others.
    private static IEnumerable<(BackendHappening What, long Count)> Counted(
        IReadOnlyCollection<BackendHappening.Failed> failures) =>
        failures.Where(f => f.Kind != FailureKind.Local || failures.All(other => other.Kind == FailureKind.Local))
            .GroupBy(f => f).Select(same => ((BackendHappening)same.Key, same.LongCount()));

    private static IEnumerable<(BackendHappening What, long Count)> Counted(
        LanguageExt.Arr<Domain.History.BackendEntry> entries) => entries.Select(e => (e.What, e.Count));

    private static void Compare(
        SteadyFleet steady, Action<NaiveControl, BackendState, NaiveBackend, Observation> agree) =>
        Follow(steady, (naive, o) =>
        {
            var configured = o.After.State.Backends().Where(b => !b.Draining).ToArray();
            Assert.Equal(naive.Backends.Count(), configured.Length);
            foreach (var (backend, told) in configured.Zip(naive.Backends))
                agree(naive, backend, told, o);
        });

    private static void Follow(SteadyFleet steady, Action<NaiveControl, Observation> agree)
    {
        var naive = new NaiveControl(steady.Scenario.Config, Life.Birth.Milliseconds);
        Life.Of(steady.Scenario, o =>
        {
            if (o.Before.Phase is Phase.Ended)
                return;
            naive.Happened(o.Happened, o.Now.Milliseconds);
            agree(naive, o);
        });
    }
}
