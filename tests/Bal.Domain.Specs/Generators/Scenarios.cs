using System.Net;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using FsCheck;
using FsCheck.Fluent;
using LanguageExt;
using Outcome = Bal.Domain.Backend.Outcome;

namespace Bal.Domain.Specs.Generators;

/// <summary>One thing that happens, and how long after the thing before it.</summary>
public sealed record Moment(int AfterMs, ControlEvent What);

/// <summary>A start, and anything at all that may happen afterwards, sensible or not.</summary>
public sealed record Scenario(BalConfig Config, Arr<Moment> Moments)
{
    public override string ToString() =>
        $"{Configs.Text(Config)}\n  {string.Join("\n  ", Moments.Select(m => $"+{m.AfterMs} ms {Text(m.What)}"))}\n";

    private static string Text(ControlEvent what) =>
        what is ControlEvent.Reloaded reloaded ? $"Reloaded {Configs.Text(reloaded.Config)}" : what.ToString();
}

/// <summary>
/// A scenario of services that come, go and are renamed, all under one policy that is never changed: what a naive model
/// of the past can still follow.
/// </summary>
public sealed record SteadyFleet(Scenario Scenario);

/// <summary>
/// Arbitrary lives of bal. Identities reach beyond those that exist, results come for probes that nobody started, and
/// many things share one instant.
/// </summary>
public static class Scenarios
{
    public static Arbitrary<Scenario> Any() => Arb.From(
        from fleet in Fleets.Any().Generator
        from moments in MomentsOf(Gen.Frequency(
            (20, Events(Fleets.Next(fleet.Config, Configs.Services().Generator))), (1, Overrides)))
        select new Scenario(fleet.Config, moments),
        Smaller);

    public static Arbitrary<SteadyFleet> SteadyFleets() => Arb.From(
        from tuning in Configs.Tunings().Generator
        let services = Configs.Services().Generator.Select(service => service with { Tuning = tuning })
        from config in Fleets.Several(services)
        from moments in MomentsOf(Events(Fleets.Next(config, services)))
        select new SteadyFleet(new Scenario(config, moments)),
        steady => Smaller(steady.Scenario).Select(s => new SteadyFleet(s)));

    public static Arbitrary<Fleet> SomeServices() => Fleets.Any();

    public static Arbitrary<ControlEvent> ControlEvents() =>
        Gen.Frequency((9, Events(Fleets.Any().Generator.Select(fleet => fleet.Config))), (1, Overrides)).ToArbitrary();

    public static Arbitrary<OperatorOrder> SomeOrders() => Orders.ToArbitrary();

    private static Gen<Arr<Moment>> MomentsOf(Gen<ControlEvent> events) =>
        Gen.Frequency((3, Gen.Constant(0)), (2, Gen.Choose(1, 99)), (3, Gen.Elements(100, 200, 499, 500, 501)),
                (1, Gen.Elements(1_000, 5_000, 30_000)))
            .Zip(events, (after, what) => new Moment(after, what))
            .ListOf().Select(list => new Arr<Moment>(list));

    private static Gen<ControlEvent> Events(Gen<BalConfig> reloads) => Gen.Frequency(
        (40, Gen.Constant<ControlEvent>(new ControlEvent.Tick())),
        (30, from id in Ids
             from outcome in Values.Outcomes().Generator
             from via in Gen.Elements(Configs.Addresses)
             select (ControlEvent)new ControlEvent.ProbeEnded(
                 id, outcome, outcome == Outcome.Success ? Option<IPAddress>.Some(via) : Option<IPAddress>.None)),
        (15, from id in Ids
             from kind in Values.FailureKinds().Generator
             from count in Gen.Choose(1, 3)
             select (ControlEvent)new ControlEvent.ConnectsFailed(id, kind, count)),
        (15, Ids.Zip(Gen.Choose(1, 3), (id, count) => (ControlEvent)new ControlEvent.ConnectsSucceeded(id, count))),
        (8, from name in Gen.Elements("db.internal", "app.internal", "nobody.internal")
            from answer in Gen.SubListOf(Configs.Addresses)
            select (ControlEvent)new ControlEvent.Resolved(name, new Arr<IPAddress>(answer))),
        (3, Gen.Choose(1, 6).Select(id => (ControlEvent)new ControlEvent.ClientExhausted(new ServiceId(id)))),
        (6, from id in Gen.Choose(1, 6)
            from reason in Gen.Elements<Refusal>(Refusals.All)
            from total in Gen.Choose(0, 50)
            select (ControlEvent)new ControlEvent.ClientsRefused(new ServiceId(id), reason, total)),
        (1,
            from id in Gen.Choose(1, 6)
            from reason in Gen.Elements<TerminationReason>(Silences.All)
            from total in Gen.Choose(0, 5)
            select (ControlEvent)new ControlEvent.ConnectionsSilenced(new ServiceId(id), reason, total)),
        (1, Gen.Choose(0, 50).Select(n => (ControlEvent)new ControlEvent.ReportsLost(n))),
        (8, Ids.Select(id => (ControlEvent)new ControlEvent.BackendIdle(id))),
        (10, reloads.Select(config => (ControlEvent)new ControlEvent.Reloaded(config))),
        (1, Gen.Constant<ControlEvent>(new ControlEvent.ReloadRefused(new Problem("x", "It failed.", "Why.", "Do.")))),
        (1, Gen.Constant<ControlEvent>(new ControlEvent.StopRequested())),
        (1, Gen.Constant<ControlEvent>(new ControlEvent.AllIdle())));

    private static Gen<OperatorOrder> Orders => Gen.Frequency(
        (4, from id in Ids
            from reset in Gen.Elements(Option<Duration>.None, new Duration(0), new Duration(700))
            from force in Gen.Elements(false, true)
            select (OperatorOrder)new OperatorOrder.Drain(id, reset, force)),
        (3, Ids.Select(id => (OperatorOrder)new OperatorOrder.Enable(id))),
        (1, Gen.Constant<OperatorOrder>(new OperatorOrder.EnableAll())),
        (4, from id in Ids
            from weight in Gen.Elements(Option<int>.None, 0, 1, 2, 256)
            from force in Gen.Elements(false, true)
            select (OperatorOrder)new OperatorOrder.SetWeight(id, weight, force)));

    private static Gen<Operator> Operators => Gen.Elements("root", "alice", "bob").SelectMany(
        name => Gen.Choose(1, 1_000), (name, at) => new Operator(name, name.Length, at));

    private static Gen<ControlEvent> Overrides => Gen.Frequency(
        (8, Orders.SelectMany(_ => Operators, (order, by) => (ControlEvent)new ControlEvent.Ordered(order, by))),
        (3, from change in Gen.Choose(0, 6)
            from whyNot in Gen.Elements(Option<string>.None, "the disk is full")
            select (ControlEvent)new ControlEvent.OverridesKept(change, whyNot)));

    // The first backend more often than the others: thresholds are met where much happens to one.
    private static Gen<BackendId> Ids =>
        Gen.Frequency((5, Gen.Constant(1)), (6, Gen.Choose(1, 4)), (3, Gen.Choose(5, 12)), (2, Gen.Choose(13, 24)),
                (1, Gen.Elements(-1, 0, int.MaxValue)))
            .Select(id => new BackendId(id));

    // Halves first, then single moments, then less time between them.
    private static IEnumerable<Scenario> Smaller(Scenario s)
    {
        for (var size = s.Moments.Count / 2; size >= 1; size /= 2)
        {
            for (var from = 0; from + size <= s.Moments.Count; from += size)
                yield return s with { Moments = s.Moments.RemoveRange(from, size) };
        }

        foreach (var config in Fleets.Smaller(s.Config))
            yield return s with { Config = config };
        for (var i = 0; i < s.Moments.Count; i++)
        {
            if (s.Moments[i].AfterMs > 0)
                yield return s with { Moments = s.Moments.SetItem(i, s.Moments[i] with { AfterMs = 0 }) };
        }
    }
}
