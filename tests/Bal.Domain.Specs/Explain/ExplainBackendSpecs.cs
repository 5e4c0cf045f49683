using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Explain;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Explain;

/// <summary>
/// What <c>bal explain backend</c> says agrees with what the machine does next: each number that it names is fed to the
/// machine, and one less is not enough.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class ExplainBackendSpecs
{
    [Property]
    public void So_many_successes_as_it_says_bring_a_backend_back_and_one_less_does_not(Scenario scenario) =>
        Explained(scenario, (o, backend, said) =>
        {
            var needed = said.Health.SuccessesToUp;
            Assert.Equal(backend.Health.Up, needed == 0);
            if (needed == 0 || backend.Draining)
                return;
            Assert.False(After(o, Repeat(Life.ConnectsSucceeded(backend.Id.Value), needed - 1), backend).Health.Up);
            Assert.True(After(o, Repeat(Life.ConnectsSucceeded(backend.Id.Value), needed), backend).Health.Up);
        });

    [Property]
    public void So_many_failures_as_it_says_take_a_backend_out_and_one_less_does_not(Scenario scenario) =>
        Explained(scenario, (o, backend, said) =>
        {
            var needed = said.Health.FailuresToDown;
            Assert.Equal(backend.Health.Up, needed > 0);
            if (needed == 0 || backend.Draining)
                return;
            Assert.True(After(o, Repeat(Life.ConnectsFailed(backend.Id.Value), needed - 1), backend).Health.Up);
            Assert.False(After(o, Repeat(Life.ConnectsFailed(backend.Id.Value), needed), backend).Health.Up);
        });

    [Property]
    public void The_next_check_comes_when_it_says_and_not_earlier(Scenario scenario) =>
        Explained(scenario, (o, backend, said) => said.Check.NextAt.IfSome(at =>
        {
            if (o.Now.Milliseconds < at.Milliseconds)
                Assert.False(Checked(new Instant(at.Milliseconds - 1), o.After.State, backend));
            Assert.True(Checked(Instant.Max(at, o.Now), o.After.State, backend));
        }));

    [Property]
    public void Where_it_names_no_time_a_tick_begins_no_check_whenever_it_comes(Scenario scenario, Gap gap) =>
        Explained(scenario, (o, backend, said) =>
        {
            if (said.Check.NextAt.IsNone)
                Assert.False(Checked(o.Now.Plus(new Duration(gap.Milliseconds)), o.After.State, backend));
        });

    [Property]
    public void A_cooldown_ends_when_it_says_and_not_earlier(Scenario scenario) =>
        Explained(scenario, (o, backend, said) => said.Cooldown.IfSome(cooldown =>
        {
            Assert.True(backend.Cooldown.IsCooling(new Instant(cooldown.Until.Milliseconds - 1)));
            Assert.False(backend.Cooldown.IsCooling(o.Now.Plus(cooldown.Left)));
            Assert.Equal(cooldown.Until, o.Now.Plus(cooldown.Left));
        }));

    [Property]
    public void The_arithmetic_of_a_cooldown_adds_up_to_its_end(Scenario scenario) =>
        Explained(scenario, (_, _, said) => said.Cooldown.IfSome(cooldown =>
        {
            var decided = cooldown.DecidedBy == CooldownTerm.Backoff ? cooldown.Backoff : cooldown.Floor;
            Assert.Equal(cooldown.Until, cooldown.Cause.At.Plus(decided));
            Assert.Equal(decided, Duration.Max(cooldown.Backoff, cooldown.Floor));

            var (policy, doubled) = (cooldown.Cause.Policy, cooldown.Cause.Protection ? 2 : 1);
            Assert.Equal(policy.Cooldown.Times(doubled), cooldown.Floor);
            Assert.Equal(cooldown.Capped, cooldown.Backoff == policy.Max.Times(doubled));
        }));

    [Property]
    public void A_backend_is_said_to_cool_down_exactly_while_it_does(Scenario scenario) =>
        Explained(scenario, (o, backend, said) => Assert.Equal(
            !backend.Draining && backend.Cooldown.IsCooling(o.Now), said.Cooldown.IsSome));

    [Property]
    public void The_state_is_the_one_that_clients_are_offered_it_in(Scenario scenario) =>
        Explained(scenario, (o, backend, said) =>
        {
            var table = o.After.State.InOrder.Single(s => s.Backends.Exists(b => b.Id == backend.Id)).Table;
            if (o.Before.Phase is Phase.Ended)
                return;
            Assert.Equal(
                table.Draining.Contains(backend.Id) || backend.IsDrained, said.State == BackendReport.Draining);
            var routes = said.State switch
            {
                BackendReport.Up => table.Up,
                BackendReport.Cooling => table.Cooling,
                BackendReport.Down => table.Down,
                _ => Arr<Route>.Empty,
            };
            Assert.Equal(
                !backend.Draining && backend.IsPlaced && !backend.IsDrained && backend.Weight > 0,
                routes.Exists(r => r.Id == backend.Id));
        });

    [Property]
    public void The_next_lookup_comes_when_it_says_and_not_earlier(Scenario scenario) =>
        Explained(scenario, (o, backend, said) => said.Name.IfSome(name =>
        {
            if (name.LookingUp)
                return;
            Assert.Equal(backend.Draining, name.NextLookupAt == Instant.Never);
            if (backend.Draining)
                return;
            var at = Instant.Max(name.NextLookupAt, o.Now);
            Assert.True(After(at, o.After.State, backend).Resolution.InFlight);
            if (o.Now.Milliseconds < at.Milliseconds)
                Assert.False(After(new Instant(at.Milliseconds - 1), o.After.State, backend).Resolution.InFlight);
        }));

    [Property]
    public void A_name_that_fails_is_said_with_the_last_good_addresses_and_no_longer_when_it_resolves(
        Tuning tuning, bool known)
    {
        var start = ControlMachine.Start(
            Configs.Of(Configs.Service(tuning, Configs.Named("db.internal", 1))), Life.Birth);
        var good = new ControlEvent.Resolved("db.internal", Configs.Addresses.Take(1).ToArr());
        var none = new ControlEvent.Resolved("db.internal", Arr<System.Net.IPAddress>.Empty);
        var later = Life.Birth.Plus(new Duration(1));

        var failing = (known ? start.State.Then(Life.Birth, Life.Tick, good) : start.State.Then(Life.Birth, Life.Tick))
            .Then(later, none);
        var again = failing.Then(later.Plus(new Duration(1)), good);

        var said = NameOf(failing, later);
        Assert.True(said.Failing);
        Assert.Equal(failing.Backend(1).Addresses.Map(a => a.ToString()), said.Addresses);
        Assert.Equal(known ? 1 : 0, said.Addresses.Count);
        Assert.False(NameOf(again, later).Failing);
    }

    [Property]
    public void A_process_that_has_handed_over_checks_nothing_any_more_and_says_so(Scenario scenario, Gap gap)
    {
        var now = new Instant(10_000_000);
        var state = Life.Of(scenario, _ => { }).Then(now, Life.Tick,
            new ControlEvent.Resolved("db.internal", new(Configs.Addresses)), new ControlEvent.HandedOver(1));
        if (!state.Phase.IsHandedOver)
            return;

        var clock = new ClockReading(now, DateTimeOffset.UnixEpoch.AddDays(20_000));
        var said = ExplainService.Of(Traffic.None, now, state);

        Assert.All(state.Backends().Zip(said.Services.Bind(s => s.Backends)), pair =>
        {
            Assert.Equal(
                (CheckState.None, LanguageExt.Option<Instant>.None), (pair.Item2.Check.State, pair.Item2.Check.NextAt));
            Assert.True(pair.Item2.Name.ForAll(name => name.NextLookupAt == Instant.Never));
            Assert.False(Checked(now.Plus(new Duration(gap.Milliseconds)), state, pair.Item1));
        });
        Assert.Contains(
            ServiceText.Lines(clock, said), line => line.Contains("another process serves", StringComparison.Ordinal));
    }

    [Property]
    public void The_end_of_a_stop_comes_when_it_says_and_not_earlier(Tuning tuning)
    {
        var state = Life.At(Life.Birth, Configs.Of(Configs.Service(tuning, Configs.Pool[0])), Life.Stop);
        var stop = ExplainService.Of(Traffic.None, Life.Birth, state).Stopping.Match(
            s => s, () => throw new InvalidOperationException());
        var (cuts, ends) = (stop.CutsAt.IfNone(Instant.Never), stop.EndsAt.IfNone(Instant.Never));

        Assert.Empty(Cuts(new Instant(cuts.Milliseconds - 1), state));
        Assert.Single(Cuts(cuts, state));
        Assert.True(state.Then(ends, Life.Tick).Phase is Phase.Ended);
    }

    [Property]
    public void It_says_since_when_a_backend_is_in_its_state(Scenario scenario)
    {
        var since = new Dictionary<BackendId, (string State, Instant At)>();
        var drains = new Dictionary<BackendId, Instant>();
        // By order of an operator, whose word has a time of its own.
        var ordered = new System.Collections.Generic.HashSet<BackendId>();
        Explained(scenario, (o, backend, said) =>
        {
            if (backend.IsDrained)
                ordered.Add(backend.Id);
            if (ordered.Contains(backend.Id))
                return;
            // While it drains nothing else is decided about it, so that a reload that brings it back finds it as it
            // was.
            if (said.State is BackendReport.Draining)
            {
                drains.TryAdd(backend.Id, o.Now);
                Assert.Equal(drains[backend.Id], said.Since);
                return;
            }

            // Without an address it is down while its health is that of a new one.
            var isWell = backend.Health.Up && said.State is not BackendReport.Cooling;
            if (drains.Remove(backend.Id) && isWell)
                since[backend.Id] = (said.State, o.Now);
            // A cooldown that ends between two events ends at its own time, which is said when the loops are told.
            // One that ends before anything happens, and begins again with what happens, is another one.
            var again = said.State is BackendReport.Cooling && !o.Before.Backends().Any(
                b => b.Id == backend.Id && b.Cooldown.IsCooling(o.Now));
            again |= o.Before.Backends().Any(b => b.Id == backend.Id && b.Health.Up != backend.Health.Up);
            if (!since.TryGetValue(backend.Id, out var known) || known.State != said.State || again)
                since[backend.Id] = known = (said.State, o.Now);
            if (!isWell)
                Assert.Equal(known.At, said.Since);
            else
                Assert.True(said.Since.Match(at => at.CompareTo(known.At) <= 0, () => true));
        });
    }

    [Property]
    public void The_failures_in_a_row_are_those_that_count_towards_down(Tuning tuning, Evidence[] failures)
    {
        var now = Life.Birth;
        var state = Life.At(now, Configs.Of(Configs.Service(tuning, Configs.Pool[0])), Life.ConnectsSucceeded(1));
        var patient = tuning.Health.FailThreshold;
        foreach (var failure in failures.Take(patient - 1))
            state = state.Then(now = now.Plus(new Duration(1)), Life.ConnectsFailed(1, 1, failure.Kind));

        var said = ExplainBackend.Of(state.Backend(1), 0, now, state).Health;

        Assert.Equal(said.Failures, said.InARow.Sum(e => e.Count));
        Assert.Equal(
            failures.Take(patient - 1).Select(f => f.Kind).Distinct(),
            said.InARow.Select(e => ((BackendHappening.Failed)e.What).Kind));
    }

    [Property]
    public void A_draining_backend_is_said_with_the_connections_that_are_left(Scenario scenario, Count count) =>
        Explained(scenario, (o, backend, _) =>
        {
            var service = o.After.State.InOrder.Single(s => s.Backends.Exists(b => b.Id == backend.Id));
            var said = ExplainBackend.Of(backend, count.Value, o.Now, o.After.State);

            Assert.Equal(count.Value, said.Connections);
            Assert.Equal(backend.Draining, said.Position == 0);
            if (!backend.Draining)
                Assert.Equal(service.Config.Endpoints[said.Position - 1], backend.Endpoint);
        });

    [Property]
    public void Every_state_is_said_in_lines_that_can_be_read(Scenario scenario) =>
        Explained(scenario, (o, backend, said) =>
        {
            var clock = new ClockReading(o.Now, DateTimeOffset.UnixEpoch.AddDays(20_000));

            var lines = BackendText.Lines(clock, said);

            Assert.Equal(
                new[] { "backend: ", "state: ", "why: ", "next: " }.Select(label => label),
                lines.Take(4).Select(line => line[..(line.IndexOf(':', StringComparison.Ordinal) + 2)]));
            Assert.Contains(said.Address, lines[0], StringComparison.Ordinal);
            Assert.All(lines, line => Assert.DoesNotContain('\n', line));
            Assert.All(lines, line => Assert.DoesNotContain("  ;", line, StringComparison.Ordinal));
            if (said.Health.SuccessesToUp > 0 && !backend.Draining)
                Assert.Contains($"{said.Health.SuccessesToUp} success", lines[3], StringComparison.Ordinal);
        });

    private static IEnumerable<ControlEffect.Cut> Cuts(Instant at, ControlState state) =>
        ControlMachine.Step(Life.Tick, at, state).Effects.OfType<ControlEffect.Cut>();

    private static NameExplanation NameOf(ControlState state, Instant now) =>
        ExplainBackend.Of(state.Backend(1), 0, now, state)
            .Name.Match(n => n, () => throw new InvalidOperationException());

    private static void Explained(Scenario scenario, Action<Observation, BackendState, BackendExplanation> agree) =>
        Life.Of(scenario, o =>
        {
            if (o.After.State.Phase is Phase.Ended)
                return;
            foreach (var service in o.After.State.InOrder)
            {
                foreach (var backend in service.InOrder)
                    agree(o, backend, ExplainBackend.Of(backend, 0, o.Now, o.After.State));
            }
        });

    private static ControlEvent[] Repeat(ControlEvent what, int count) => Enumerable.Repeat(what, count).ToArray();

    private static BackendState After(Observation o, ControlEvent[] events, BackendState backend) =>
        o.After.State.Then(o.Now, events).Backend(backend.Id.Value);

    private static BackendState After(Instant at, ControlState state, BackendState backend) =>
        state.Then(at, Life.Tick).Backend(backend.Id.Value);

    // A check is a probe that is started, or a failure that is counted where there is no address to probe.
    private static bool Checked(Instant at, ControlState state, BackendState before)
    {
        var after = After(at, state, before);
        return (!before.Probe.InFlight && after.Probe.InFlight) || after.Failures != before.Failures;
    }
}
