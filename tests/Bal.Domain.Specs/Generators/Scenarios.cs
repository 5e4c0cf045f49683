using System.Net;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
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

/// <summary>A scenario in which no policy is ever changed: what a naive model of the past can still follow.</summary>
public sealed record SteadyScenario(Scenario Scenario);

/// <summary>
/// Arbitrary lives of bal. Identities reach beyond those that exist, results come for probes that nobody started, and
/// many things share one instant.
/// </summary>
public static class Scenarios
{
    public static Arbitrary<Scenario> Any() => Arb.From(
        from config in Configs.BalConfigs().Generator
        from two in Gen.Frequency((4, Gen.Constant(false)), (1, Gen.Constant(true)))
        from second in Configs.Services().Generator
        let start = two ? config with { Services = config.Services.Add(second with { Name = Configs.Other }) } : config
        from moments in MomentsOf(Events(Reloads(start)))
        select new Scenario(start, moments),
        Smaller);

    public static Arbitrary<SteadyScenario> Steady() => Arb.From(
        from config in Configs.BalConfigs().Generator
        let reloads = Configs.Services().Generator.Select(s => Configs.Of(s with { Tuning = config.Main.Tuning }))
        from moments in MomentsOf(Events(reloads))
        select new SteadyScenario(new Scenario(config, moments)),
        steady => Smaller(steady.Scenario).Select(s => new SteadyScenario(s)));

    public static Arbitrary<ControlEvent> ControlEvents() => Events(Configs.BalConfigs().Generator).ToArbitrary();

    // A reload changes what it likes, but not which services there are.
    private static Gen<BalConfig> Reloads(BalConfig start) =>
        from main in Configs.Services().Generator
        from other in Configs.Services().Generator
        select start with
        {
            Services = start.Services.Map(s => (s.Name == Service.DefaultName ? main : other) with { Name = s.Name }),
        };

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
        (2, Gen.Choose(1, 4).Select(id => (ControlEvent)new ControlEvent.ClientExhausted(new ServiceId(id)))),
        (6, from id in Gen.Choose(1, 3)
            from reason in Gen.Elements<Refusal>(Refusals.All)
            from total in Gen.Choose(0, 50)
            select (ControlEvent)new ControlEvent.ClientsRefused(new ServiceId(id), reason, total)),
        (1, Gen.Choose(0, 50).Select(n => (ControlEvent)new ControlEvent.ReportsLost(n))),
        (4, Ids.Select(id => (ControlEvent)new ControlEvent.BackendIdle(id))),
        (6, reloads.Select(config => (ControlEvent)new ControlEvent.Reloaded(config))),
        (1, Gen.Constant<ControlEvent>(new ControlEvent.ReloadRefused(new Problem("x", "It failed.", "Why.", "Do.")))),
        (1, Gen.Constant<ControlEvent>(new ControlEvent.StopRequested())),
        (1, Gen.Constant<ControlEvent>(new ControlEvent.AllIdle())));

    // The first backend more often than the others: thresholds are met where much happens to one.
    private static Gen<BackendId> Ids =>
        Gen.Frequency((5, Gen.Constant(1)), (6, Gen.Choose(1, 4)), (3, Gen.Choose(5, 12)),
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

        foreach (var config in Configs.BalConfigs().Shrinker(s.Config))
            yield return s with { Config = config };
        for (var i = 0; i < s.Moments.Count; i++)
        {
            if (s.Moments[i].AfterMs > 0)
                yield return s with { Moments = s.Moments.SetItem(i, s.Moments[i] with { AfterMs = 0 }) };
        }
    }
}
