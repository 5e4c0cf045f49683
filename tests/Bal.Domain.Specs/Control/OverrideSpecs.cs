using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;
using Bal.Domain.Reports;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Control;

/// <summary>What operators order with <c>bal drain</c>, <c>enable</c> and <c>weight</c> (docs/operations.md).</summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class OverrideSpecs
{
    private static readonly Operator Alice = new("alice", 1_000, 1);
    private static readonly Operator Bob = new("bob", 1_001, 2);

    [Property]
    public void An_order_given_twice_is_given_once(OperatorOrder[] past, OperatorOrder order)
    {
        var once = Overriding.After(order, Alice, Held(past));

        Assert.Equal(once, Overriding.After(order, Bob, once));
    }

    [Property]
    public void Enable_ends_whatever_was_ordered(OperatorOrder[] past) => Assert.Equal(
        Option<Override>.None, Overriding.After(new OperatorOrder.Enable(new BackendId(1)), Alice, Held(past)));

    [Property]
    public void A_drain_lasts_until_enable_and_a_weight_stands_beside_it(OperatorOrder[] past)
    {
        var drained = false;
        var weight = Option<int>.None;
        foreach (var order in past)
        {
            drained = order.Match(_ => true, _ => false, () => false, _ => drained);
            weight = order.Match(_ => weight, _ => Option<int>.None, () => Option<int>.None, o => o.Weight);
        }

        var held = Held(past);
        Assert.Equal((drained, weight), (held.Exists(o => o.Drained), held.Bind(o => o.Weight)));
        Assert.Equal(drained || weight.IsSome, held.IsSome);
    }

    [Property]
    public void What_holds_names_who_changed_it_last(OperatorOrder[] past, OperatorOrder order)
    {
        var before = Held(past);
        var after = Overriding.After(order, Bob, before);

        Assert.Equal(after == before ? before.Map(o => o.By) : after.Map(_ => Bob), after.Map(o => o.By));
    }

    [Property]
    public void Nobody_is_sent_to_a_drained_backend_and_weights_are_those_in_force(Scenario scenario) =>
        Life.Of(scenario, o => Assert.All(o.After.State.InOrder, service =>
        {
            foreach (var route in service.Table.Routes())
            {
                var backend = service.InOrder.Single(b => b.Id == route.Id);
                Assert.False(backend.IsDrained);
                Assert.Equal(backend.Override.Bind(held => held.Weight).IfNone(backend.Config.Weight), backend.Weight);
                Assert.Equal(backend.Weight, route.Config.Weight);
                // A slow start changes how the shares are written down, and the share of the one that starts.
                if (service.InOrder.ForAll(b => b.SlowStart.IsNone))
                    Assert.Equal(backend.Weight, route.Weight);
            }
        }));

    [Property]
    public void Without_force_no_order_takes_the_last_usable_backend(Scenario scenario, OperatorOrder order)
    {
        var state = Life.Of(scenario, _ => { });
        var unforced = order.Match(
            drain: o => o with { Force = false }, enable: o => o, enableAll: () => order,
            weight: o => (OperatorOrder)(o with { Force = false }));

        var after = state.Then(new(10_000_000), new ControlEvent.Ordered(unforced, Alice));

        foreach (var service in state.InOrder.Where(s => unforced is not (OperatorOrder.Enable
            or OperatorOrder.EnableAll) && s.Backends.Values.Any(Overriding.IsUsable)))
        {
            // What is due at that moment may end a cooldown; it takes nobody out.
            Assert.Contains(after.Services[service.Id.Value].Backends.Values, Overriding.IsUsable);
        }
    }

    [Property]
    public void What_is_refused_changes_nothing(Scenario scenario, OperatorOrder order)
    {
        var state = Life.Of(scenario, _ => { });
        if (!Overriding.IsRefused(order, Alice, state))
            return;

        var step = ControlMachine.Step(new ControlEvent.Ordered(order, Alice), Life.Birth, state);

        Assert.Equal(state.Services, step.State.Services);
        Assert.Equal("override_refused", step.Effects.OfType<ControlEffect.Log>().Last().Line.Event);
    }

    [Property]
    public void Enable_gives_the_loops_the_table_that_they_had(Service service, bool weighs)
    {
        var state = Life.At(Life.Birth, Configs.Of(service));
        var order = weighs
            ? (OperatorOrder)new OperatorOrder.SetWeight(new BackendId(1), 7, Force: true)
            : new OperatorOrder.Drain(new BackendId(1), Option<Duration>.None, Force: true);

        var ordered = state.Then(Life.Birth, new ControlEvent.Ordered(order, Alice));
        var back = ordered.Then(
            Life.Birth, new ControlEvent.Ordered(new OperatorOrder.Enable(new BackendId(1)), Bob));

        Assert.NotEqual(state.InOrder[0].Backends[0], ordered.InOrder[0].Backends[0]);
        Assert.Equal(state.InOrder[0].Table, back.InOrder[0].Table);
        Assert.Equal(state.Services, back.Services);
    }

    [Property]
    public void Every_change_of_what_is_to_be_kept_is_written(Scenario scenario) => Life.Of(scenario, o =>
    {
        var (before, after) = (Overriding.ListOf(o.Before), Overriding.ListOf(o.After.State));
        var written = o.Effects<ControlEffect.KeepOverrides>().ToArray();

        if (before != after)
            Assert.NotEmpty(written);
        Assert.All(written, effect => Assert.Equal(o.After.State.Keeping.Changes, effect.Change));
        Assert.True(o.After.State.Keeping.Changes >= o.Before.Keeping.Changes);
    });

    [Property]
    public void A_reload_keeps_what_it_keeps_and_ends_what_it_removes(Scenario past, Fleet next)
    {
        var before = Life.Of(past, _ => { });
        if (before.Phase is not Phase.Running)
            return;

        var after = before.Then(new(10_000_000), new ControlEvent.Reloaded(next.Config));

        foreach (var service in after.InOrder)
        {
            foreach (var backend in service.InOrder)
            {
                var was = before.Backends().SingleOrDefault(b => b.Id == backend.Id);
                Assert.Equal(
                    backend.Draining || was is null ? Option<Override>.None : was.Override, backend.Override);
            }
        }
    }

    [Property]
    public void A_process_that_starts_finds_what_was_kept(Scenario past)
    {
        var before = Life.Of(past, _ => { });
        var kept = OverrideDocument.Of(before);

        var read = OverrideCodec.Read(OverrideCodec.Write(kept))
            .IfLeft(why => throw new Xunit.Sdk.XunitException(why));
        var start = ControlMachine.Start(before.Config, new(10_000_000)).State;
        var step = ControlMachine.Step(
            new ControlEvent.OverridesRead(read.Overrides, read.PutAside), new(10_000_000), start);

        Assert.Equal(kept.Overrides, Overriding.ListOf(step.State));
        // Whoever writes a part of it again must not lose the rest.
        Assert.Empty(step.Effects.OfType<ControlEffect.KeepOverrides>());
        Assert.All(
            step.State.InOrder.Filter(s => s.Backends.Values.Any(b => b.Override.IsSome)),
            s => Assert.Contains(new ControlEffect.Publish(s.Id), step.Effects));
    }

    [Property]
    public void What_the_file_no_longer_has_ends(Service service)
    {
        var start = ControlMachine.Start(Configs.Of(service), Life.Birth).State;
        var gone = new KeptOverride(service.Name, "192.0.2.99:1", new(true, Option<int>.None, Alice));

        var step = ControlMachine.Step(
            new ControlEvent.OverridesRead(Prelude.Array(gone), Option<string>.None), Life.Birth, start);

        Assert.Empty(Overriding.ListOf(step.State));
        Assert.Single(step.Effects.OfType<ControlEffect.KeepOverrides>());
    }

    [Property]
    public void Who_takes_over_writes_what_holds(Scenario past)
    {
        var before = Life.Of(past, _ => { });

        var step = ControlMachine.Adopt(new(10_000_000), before);

        Assert.Equal(before.Backends().Select(b => b.Override), step.State.Backends().Select(b => b.Override));
        Assert.Equal(
            before.Keeping == OverrideKeeping.None ? 0 : 1,
            step.Effects.OfType<ControlEffect.KeepOverrides>().Count());
    }

    [Property]
    public void A_process_that_was_replaced_writes_and_takes_no_orders(Scenario past, OperatorOrder order)
    {
        var before = Life.Of(past, _ => { }).Then(new(10_000_000), new ControlEvent.HandedOver(7));
        if (!before.Phase.IsHandedOver)
            return;
        foreach (var happened in new[] { new ControlEvent.Ordered(order, Alice), Life.Tick })
        {
            var step = ControlMachine.Step(happened, new(20_000_000), before);

            Assert.Empty(step.Effects.OfType<ControlEffect.KeepOverrides>());
            Assert.Equal(before.Backends().Select(b => b.Override), step.State.Backends().Select(b => b.Override));
        }
    }

    [Property]
    public void A_file_with_one_byte_changed_is_not_believed(Scenario past, int place, byte other)
    {
        var bytes = OverrideCodec.Write(OverrideDocument.Of(Life.Of(past, _ => { })));
        var at = (int)((uint)place % bytes.Length);
        if (bytes[at] == other)
            return;
        bytes[at] = other;

        Assert.True(OverrideCodec.Read(bytes).IsLeft);
    }

    [Property]
    public void A_file_that_was_cut_is_not_believed(Scenario past, int length)
    {
        var bytes = OverrideCodec.Write(OverrideDocument.Of(Life.Of(past, _ => { })));

        Assert.True(OverrideCodec.Read(bytes[..(int)((uint)length % bytes.Length)]).IsLeft);
    }

    [Property]
    public void What_could_not_be_written_is_tried_again_until_it_is(Service service)
    {
        var now = Life.Birth;
        var state = Life.At(now, Configs.Of(service), new ControlEvent.Ordered(
            new OperatorOrder.Drain(new BackendId(1), Option<Duration>.None, Force: true), Alice));
        for (var i = 0; i < 3; i++)
        {
            state = state.Then(now, new ControlEvent.OverridesKept(1, "the disk is full"));
            Assert.True(StatusOf(state).OverrideProblems.Count == 1 && StatusOf(state).Overall != OverallStatus.Ok);
            now = now.Plus(OverrideKeeping.RetryEvery);
            Assert.True(ControlMachine.NextDue(state).IsDue(now));
            var step = ControlMachine.Step(Life.Tick, now, state);
            Assert.Single(step.Effects.OfType<ControlEffect.KeepOverrides>());
            state = step.State;
        }

        var kept = state.Then(now, new ControlEvent.OverridesKept(1, Option<string>.None));
        Assert.Empty(StatusOf(kept).OverrideProblems);
        Assert.Empty(ControlMachine.Step(Life.Tick, now.Plus(new(60_000)), kept)
            .Effects.OfType<ControlEffect.KeepOverrides>());
    }

    [Fact]
    public void A_file_that_could_not_be_read_is_missed_until_all_are_enabled()
    {
        var state = Life.At(
            Life.Birth, Configs.Of(Configs.Service(Tuning.For(1), Configs.Pool[0])),
            new ControlEvent.OverridesRead(Arr<KeptOverride>.Empty, "its checksum is wrong"));
        Assert.Equal("overrides_put_aside", StatusOf(state).OverrideProblems.Single().Code);
        Assert.Equal(OverallStatus.Warn, StatusOf(state).Overall);
        Assert.Equal("its checksum is wrong", OverrideDocument.Of(state).PutAside);

        var enabled = state.Then(Life.Birth, new ControlEvent.Ordered(new OperatorOrder.EnableAll(), Alice));

        Assert.Empty(StatusOf(enabled).OverrideProblems);
        Assert.True(OverrideDocument.Of(enabled).IsEmpty);
    }

    [Property]
    public void What_a_drain_leaves_is_reset_at_its_timeout_and_once(Service service, byte seconds)
    {
        var within = new Duration(seconds * 1_000L);
        var ends = Life.Birth.Plus(within);
        var state = Life.At(Life.Birth, Configs.Of(service), new ControlEvent.Ordered(
            new OperatorOrder.Drain(new BackendId(1), within, Force: true), Alice));
        var reset = new ControlEffect.Reset(new BackendId(1), TerminationReason.Drain);

        Assert.True(ControlMachine.NextDue(state).IsDue(ends));
        if (seconds > 0)
        {
            Assert.DoesNotContain(
                reset, ControlMachine.Step(Life.Tick, new(ends.Milliseconds - 1), state).Effects);
        }

        var due = ControlMachine.Step(Life.Tick, ends, state);
        Assert.Single(due.Effects, effect => effect == reset);
        Assert.DoesNotContain(reset, ControlMachine.Step(Life.Tick, ends.Plus(new(5_000)), due.State).Effects);
        // A drain that was ended before resets nothing.
        var enabled = state.Then(
            Life.Birth, new ControlEvent.Ordered(new OperatorOrder.Enable(new BackendId(1)), Bob));
        Assert.DoesNotContain(reset, ControlMachine.Step(Life.Tick, ends, enabled).Effects);
    }

    [Fact]
    public void Only_a_process_that_knows_overrides_is_given_them()
    {
        var state = Life.At(
            Life.Birth, Configs.Of(Configs.Service(Tuning.For(1), Configs.Pool[0], Configs.Pool[1])),
            new ControlEvent.Ordered(
                new OperatorOrder.Drain(new BackendId(1), Option<Duration>.None, Force: false), Alice));

        Assert.Equal(2, Format0_1_0.FormatOf(state));
        var refused = Format0_1_0.Explained(
            new("upgrade_not_understood", "its form is 1", "", ""), state);
        Assert.Contains("override", refused.WhyLikely, StringComparison.Ordinal);
        Assert.Contains("bal enable --all", refused.DoThisNow, StringComparison.Ordinal);
        var enabled = state.Then(Life.Birth, new ControlEvent.Ordered(new OperatorOrder.EnableAll(), Alice));
        Assert.Equal(1, Format0_1_0.FormatOf(enabled));
    }

    [Fact]
    public void A_drained_backend_keeps_its_slots_and_a_weight_by_command_moves_them_as_a_configured_one()
    {
        var pool = Configs.Pool.Where(e => e.Host is Host.Address).ToArray();
        var service = Configs.Service(Tuning.For(3), pool) with { Method = Method.SourceHash };
        var state = Life.At(Life.Birth, Configs.Of(service));
        var drained = state.Then(Life.Birth, new ControlEvent.Ordered(
            new OperatorOrder.Drain(new BackendId(2), Option<Duration>.None, Force: false), Alice));
        var weighted = state.Then(Life.Birth, new ControlEvent.Ordered(
            new OperatorOrder.SetWeight(new BackendId(2), 5, Force: false), Alice));
        var configured = Life.At(Life.Birth, Configs.Of(service with
        {
            Backends = service.Backends.SetItem(1, service.Backends[1] with { Weight = 5 }),
        }));

        var (before, without) = (Choices(state), Choices(drained));
        Assert.All(before.Zip(without), both => Assert.Equal(
            both.Item1 == pool[1], both.Item1 != both.Item2));
        Assert.Equal(Choices(configured), Choices(weighted));
        Assert.NotEqual(before, Choices(weighted));
        // Drained as well, its slots are still those of its weight.
        Assert.All(
            Choices(weighted).Zip(Choices(weighted.Then(Life.Birth, new ControlEvent.Ordered(
                new OperatorOrder.Drain(new BackendId(2), Option<Duration>.None, Force: false), Alice)))),
            both => Assert.Equal(both.Item1 == pool[1], both.Item1 != both.Item2));
    }

    private static Option<Override> Held(IEnumerable<OperatorOrder> orders) => orders.Aggregate(
        Option<Override>.None, (held, order) => Overriding.After(order, Alice, held));

    private static List<Endpoint> Choices(ControlState state)
    {
        var selector = Selector.Of(state.InOrder[0].Table, Option<Selector>.None);
        return [.. Enumerable.Range(0, 500).Select(client => selector.Next(
            new Attempt(0, [], 0) { Source = Hash.Mix((ulong)client) }).Map(c => c.Route.Endpoint).Single())];
    }

    private static StatusReport StatusOf(ControlState state) => StatusReports.Of(
        new ProcessIdentity(1, "bal.yaml", "1", Life.Birth), Traffic.None,
        new ClockReading(Life.Birth, DateTimeOffset.UnixEpoch), state);
}
