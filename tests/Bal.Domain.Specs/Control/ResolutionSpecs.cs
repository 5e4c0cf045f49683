using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// Backends given by name: a name that does not resolve is skipped without waiting (docs/behaviour.md, Names).
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class ResolutionSpecs
{
    private static readonly Instant Now = Life.Birth;

    [Property]
    public void Every_name_is_looked_up_at_once_and_only_once_for_all_its_backends(Scenario scenario)
    {
        var start = ControlMachine.Start(scenario.Config, Now).State;

        var looked = ControlMachine.Step(Life.Tick, Now, start).Effects
            .OfType<ControlEffect.Resolve>().Select(e => e.Name);

        Assert.Equal(
            start.Backends().SelectMany(NamesOf).Distinct().Order(),
            looked.Order());
    }

    [Property]
    public void At_most_one_lookup_of_a_name_is_in_flight_while_a_backend_waits_for_it(Scenario scenario)
    {
        var inFlight = new System.Collections.Generic.HashSet<string>();
        Life.Of(scenario, o =>
        {
            if (o.Happened is ControlEvent.Resolved resolved)
                inFlight.Remove(resolved.Name);
            foreach (var lookup in o.Effects<ControlEffect.Resolve>())
                Assert.True(inFlight.Add(lookup.Name));
            // Once the last backend that waits is gone, the answer interests nobody and may be asked for again.
            inFlight.IntersectWith(o.After.State.Backends().Where(b => b.Resolution.InFlight).SelectMany(NamesOf));
        });
    }

    [Property]
    public void While_the_first_lookup_is_under_way_a_backend_is_not_offered_and_nothing_is_held_against_it(
        Tuning tuning)
    {
        var step = ControlMachine.Step(Life.Tick, Now, ControlMachine.Start(Named(tuning), Now).State);

        Assert.Empty(step.State.InOrder[0].Table.Routes());
        Assert.Empty(step.Effects.OfType<ControlEffect.StartProbe>());
        Assert.Equal(HealthMachine.Initial(tuning.Health), step.State.Backend(1).Health);
        Assert.Equal(FailureCounters.Zero, step.State.Backend(1).Failures);
    }

    [Property]
    public void A_name_that_does_not_resolve_fails_its_checks_without_a_probe(Tuning tuning)
    {
        var unresolved = Life.At(Now, Named(tuning), Life.Tick, Resolved());

        var step = ControlMachine.Step(Life.Tick, Now.Plus(tuning.Health.Interval), unresolved);

        Assert.Empty(step.State.InOrder[0].Table.Routes());
        Assert.Empty(step.Effects.OfType<ControlEffect.StartProbe>());
        Assert.False(step.State.Backend(1).Health.Up);
        Assert.Equal(new FailureCounters(0, 0, 1), step.State.Backend(1).Failures);
    }

    [Property]
    public void A_backend_is_probed_as_soon_as_its_name_has_resolved(Tuning tuning)
    {
        var resolved = Life.At(Now, Named(tuning), Life.Tick, Resolved(Configs.Addresses));

        Assert.Equal(Now, ControlMachine.NextDue(resolved));
        var step = ControlMachine.Step(Life.Tick, Now, resolved);
        Assert.Equal(2, step.Effects.OfType<ControlEffect.StartProbe>().Count());
    }

    [Property]
    public void An_answer_reaches_every_backend_of_that_name_and_the_table_in_its_order(Tuning tuning)
    {
        var state = Life.At(Now, Named(tuning), Life.Tick, Resolved(Configs.Addresses));

        Assert.All(state.Backends(), b => Assert.Equal(Configs.Addresses, b.Addresses));
        Assert.Equal(2, state.InOrder[0].Table.Routes().Count());
    }

    [Property]
    public void The_last_good_answer_stays_in_use_while_lookups_fail(Tuning tuning, byte failures)
    {
        var state = Life.At(Now, Named(tuning), Life.Tick, Resolved(Configs.Addresses));

        state = state.Then(Now, Enumerable.Repeat(Resolved(), failures).ToArray());

        Assert.All(state.Backends(), b => Assert.Equal(Configs.Addresses, b.Addresses));
    }

    [Property]
    public void The_same_addresses_in_another_order_change_nothing(Tuning tuning)
    {
        var state = Life.At(Now, Named(tuning), Life.Tick, Resolved(Configs.Addresses));

        var step = ControlMachine.Step(Resolved(Configs.Addresses.Reverse().ToArray()), Now, state);

        Assert.Equal(state, step.State);
        Assert.Empty(step.Effects);
    }

    [Property]
    public void Another_address_takes_effect_at_once_and_keeps_health_and_counters(Tuning tuning)
    {
        var before = Life.At(Now, Named(tuning), Life.Tick, Resolved(Configs.Addresses));

        var step = ControlMachine.Step(Resolved(Configs.Addresses[2]), Now, before);

        Assert.Equal(new[] { Configs.Addresses[2] }, step.State.Backend(1).Addresses);
        Assert.Equal(before.Backend(1).Health, step.State.Backend(1).Health);
        Assert.Equal(before.Backend(1).Failures, step.State.Backend(1).Failures);
        Assert.Contains(step.Effects, e => e is ControlEffect.Publish);
    }

    [Property]
    public void A_name_is_looked_up_again_after_30_s_or_5_s_after_a_failure(Tuning tuning, bool failed)
    {
        var state = Life.At(Now, Named(tuning), Life.Tick, failed ? Resolved() : Resolved(Configs.Addresses));
        var due = Now.Plus(new(failed ? 5_000 : 30_000));

        var early = ControlMachine.Step(Life.Tick, new Instant(due.Milliseconds - 1), state);
        Assert.Empty(early.Effects.OfType<ControlEffect.Resolve>());
        Assert.Single(ControlMachine.Step(Life.Tick, due, early.State).Effects.OfType<ControlEffect.Resolve>());
    }

    [Property]
    public void Backends_of_one_name_wait_for_the_same_lookup(Scenario scenario) => Life.Of(scenario, o =>
        Assert.All(
            o.After.State.Backends().Where(b => !b.Draining && !b.Resolution.InFlight && NamesOf(b).Any())
                .GroupBy(b => b.Endpoint.Host),
            // One that a reload has added may be due for longer than another whose turn has come: due is due.
            same => Assert.Single(same.Select(b => Instant.Max(o.Now, b.Resolution.NextAt)).Distinct())));

    [Property]
    public void A_reload_looks_names_up_again_at_once_and_keeps_the_addresses_until_the_answer(
        Tuning tuning, bool failed)
    {
        var known = Life.At(Now, Named(tuning), Life.Tick, Resolved(Configs.Addresses));
        var reloaded = ControlMachine.Step(new ControlEvent.Reloaded(Named(tuning)), Now, known).State;

        var tick = ControlMachine.Step(Life.Tick, Now, reloaded);
        Assert.Equal("db.internal", Assert.Single(tick.Effects.OfType<ControlEffect.Resolve>()).Name);
        Assert.Equal(Configs.Addresses, tick.State.Backend(1).Addresses);

        var answer = failed ? Resolved() : Resolved(Configs.Addresses[2]);
        Assert.Equal(
            failed ? Configs.Addresses : [Configs.Addresses[2]],
            ControlMachine.Step(answer, Now, tick.State).State.Backend(1).Addresses);
    }

    [Property]
    public void Literal_addresses_are_never_looked_up(Scenario scenario) => Life.Of(scenario, o =>
        Assert.All(o.Effects<ControlEffect.Resolve>(), e => Assert.False(IPAddress.TryParse(e.Name, out _))));

    /// <summary>What is used is a part of the answer, and of what was in use nothing goes that is in it.</summary>
    [Property]
    public Property Of_an_answer_as_much_is_used_as_allowed_and_what_is_in_use_stays() => Prop.ForAll(
        Answers, Answers, (before, answer) =>
        {
            var had = ResolutionTransitions.InUse(Arr<IPAddress>.Empty, before);
            var used = ResolutionTransitions.InUse(had, answer);

            if (answer.IsEmpty)
                Assert.Equal(had, used);
            else
            {
                Assert.Equal(Math.Min(Resolution.MostAddresses, answer.Distinct().Count()), used.Count);
                Assert.Empty(used.Except(answer));
                Assert.Empty(had.Intersect(answer).Except(used));
                Assert.Equal(used.Count, used.Distinct().Count());
            }
        });

    [Property]
    public Property An_answer_in_any_other_order_changes_nothing(int seed) => Prop.ForAll(Answers, answer =>
    {
        var used = ResolutionTransitions.InUse(Arr<IPAddress>.Empty, answer);
        var order = new Random(seed);

        Assert.Equal(used, ResolutionTransitions.InUse(used, new(answer.OrderBy(_ => order.Next()))));
    });

    [Property]
    public void That_a_name_fails_is_said_when_it_begins_and_when_it_ends_however_often_it_is_looked_up(
        Tuning tuning, bool known, byte failures)
    {
        var state = Life.At(Now, Named(tuning), Life.Tick);
        if (known)
            state = state.Then(Now, Resolved(Configs.Addresses));
        var lines = new List<string>();
        foreach (var answer in Enumerable.Repeat(Resolved(), failures + 1)
            .Append(Resolved(Configs.Addresses)).Append(Resolved(Configs.Addresses)))
        {
            var step = ControlMachine.Step(answer, Now, state);
            lines.AddRange(step.Effects.OfType<ControlEffect.Log>().Select(log => log.Line.Event));
            state = step.State;
        }

        Assert.Equal(["name_unresolved", "name_resolved"], lines);
    }

    private static readonly Arbitrary<Arr<IPAddress>> Answers = Gen.Choose(0, 19)
        .Select(n => new IPAddress([10, 0, 0, (byte)n])).ArrayOf().Select(all => new Arr<IPAddress>(all)).ToArbitrary();

    private static ControlEvent Resolved(params IPAddress[] addresses) =>
        new ControlEvent.Resolved("db.internal", new Arr<IPAddress>(addresses));

    private static BalConfig Named(Tuning tuning) =>
        Configs.Of(Configs.Service(tuning, Configs.Named("db.internal", 1), Configs.Named("db.internal", 2)));

    private static IEnumerable<string> NamesOf(BackendState backend) =>
        backend.Endpoint.Host.Match<string[]>(_ => [], name => [name], _ => []);
}
