using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Control;

/// <summary>Every decision that an operator would ask about is in the log, once, and nothing else is.</summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class DecisionLogSpecs
{
    [Property]
    public void Every_change_of_health_is_said_once(Scenario scenario) => Life.Of(scenario, o =>
    {
        var changes = BothSides(o).Where(pair => pair.Before.Health.Up != pair.After.Health.Up).ToArray();

        Assert.Equal(changes.Count(p => !p.After.Health.Up), Said(o, "backend_down").Count());
        Assert.Equal(changes.Count(p => p.After.Health.Up), Said(o, "backend_up").Count());
        Assert.All(changes, p => Assert.Contains(
            Lines(o), line => line.Message.Contains(p.After.Endpoint.ToString(), StringComparison.Ordinal)));
    });

    [Property]
    public void A_backend_that_goes_down_is_said_with_as_many_failures_as_were_seen_in_a_row(Scenario scenario)
    {
        var inARow = new Dictionary<BackendId, long>();
        Life.Of(scenario, o =>
        {
            var down = new List<(string Backend, long Seen)>();
            foreach (var (before, after) in BothSides(o))
            {
                var seen = (Succeeded(o, before) ? 0 : inARow.GetValueOrDefault(before.Id))
                    + (Total(after.Failures) - Total(before.Failures));
                var wentDown = before.Health.Up && !after.Health.Up;
                // That of a new backend may have been a failure of this machine, which is counted nowhere.
                seen = wentDown && seen == 0 && !before.Health.Reached ? 1 : seen;
                if (wentDown)
                    down.Add((after.Endpoint.ToString(), seen));
                inARow[before.Id] = wentDown ? 0 : seen;
            }

            Assert.Equal(
                down.Order(),
                Said(o, "backend_down").Select(line => (Text(line, "backend"), Number(line, "failures"))).Order());
            Assert.All(Said(o, "backend_down"), line => Assert.Contains(
                $" is down: {Plural.Of(Number(line, "failures"), "failed check")} in a row (",
                line.Message, StringComparison.Ordinal));
        });
    }

    [Property]
    public void A_new_backend_that_goes_down_at_its_first_failure_is_said_to_need_no_more(
        Tuning tuning, Evidence failure)
    {
        var state = Life.At(Life.Birth, Configs.Of(Configs.Service(tuning, Configs.Pool[0])), Life.Tick);

        var step = ControlMachine.Step(Life.ProbeFailed(1, failure.Kind), Life.Birth, state);

        var line = step.Effects.OfType<ControlEffect.Log>().Single(log => log.Line.Event == "backend_down").Line;
        Assert.Contains(": 1 failed check in a row (", line.Message, StringComparison.Ordinal);
        Assert.Equal(
            tuning.Health.FailThreshold > 1,
            line.Message.Contains("enough for a new backend", StringComparison.Ordinal));
    }

    [Property]
    public void Every_cooldown_that_begins_is_said_once(Scenario scenario) => Life.Of(scenario, o =>
        Assert.Equal(
            BothSides(o).Count(p => !p.Before.Cooldown.IsCooling(o.Now) && p.After.Tier == Tier.Cooling
                && p.After.Cooldown.IsCooling(o.Now)),
            Said(o, "backend_cooling").Count()));

    [Property]
    public void A_cooldown_that_goes_on_is_not_said_again(Tuning tuning, Evidence first, Evidence second)
    {
        var patient = tuning with { Health = tuning.Health with { FailThreshold = 3 } };
        var cooling = Life.At(Life.Birth, Configs.Of(Configs.Service(patient, Configs.Pool[0])),
            Life.ConnectsSucceeded(1), Life.ConnectsFailed(1, 1, first.Kind));

        var step = ControlMachine.Step(Life.ConnectsFailed(1, 1, second.Kind), Life.Birth, cooling);

        Assert.Equal(Tier.Cooling, step.State.Backend(1).Tier);
        Assert.DoesNotContain(
            step.Effects, effect => effect is ControlEffect.Log { Line.Event: "backend_cooling" });
    }

    [Property]
    public void Protection_mode_is_said_when_it_turns_on_and_when_off(Scenario scenario) => Life.Of(scenario, o =>
    {
        var changes = o.After.State.InOrder.Select(after => (
            Was: o.Before.InOrder.Exists(b => b.Id == after.Id && b.Protection.IsOn),
            Is: after.Protection.IsOn)).ToArray();

        Assert.Equal(changes.Count(c => !c.Was && c.Is), Said(o, "protection_on").Count());
        Assert.Equal(changes.Count(c => c.Was && !c.Is), Said(o, "protection_off").Count());
    });

    [Property]
    public void Rejected_connections_are_said_by_service_at_most_once_a_second_and_all_in_the_end(Scenario scenario)
    {
        var said = new List<(ServiceId Service, long At, long Count)>();
        var seen = new Dictionary<ServiceId, long>();
        void Hear(ControlState before, ControlStep step, Instant now)
        {
            var heard = step.State.InOrder.Map(
                s => (s.Id, s.Config.Name, Count: Told(s) - before.Services.Find(s.Id.Value).Map(Told).IfNone(0)))
                .Filter(s => s.Count > 0);
            Assert.Equal(
                heard.Map(s => (s.Name, s.Count)).Order(),
                step.Effects.OfType<ControlEffect.Log>().Select(log => log.Line)
                    .Where(line => line.Event == "connections_rejected")
                    .Select(line => (Text(line, "service"), Number(line, "rejected"))).Order());
            said.AddRange(heard.Map(s => (s.Id, now.Milliseconds, s.Count)));
        }

        var last = Life.Of(scenario, o =>
        {
            if (o.Happened is ControlEvent.ClientsRefused { Reason: Refusal.Limit } rejected
                && o.Before.Phase is not Phase.Ended && o.Before.Services.ContainsKey(rejected.Service.Value))
                seen[rejected.Service] = Math.Max(seen.GetValueOrDefault(rejected.Service), rejected.Total);
            Hear(o.Before, o.After, o.Now);
        });
        var end = new Instant(10_000_000);
        Hear(last, ControlMachine.Step(Life.Tick, end, last), end);

        foreach (var one in said.GroupBy(s => s.Service))
            Assert.All(one.Zip(one.Skip(1)), pair => Assert.True(pair.Item2.At - pair.Item1.At >= 1_000));
        if (last.Phase is not Phase.Ended)
            Assert.All(last.InOrder, service => Assert.Equal(
                seen.GetValueOrDefault(service.Id), said.Where(s => s.Service == service.Id).Sum(s => s.Count)));
    }

    [Property]
    public void A_line_names_its_event_in_snake_case_and_says_one_sentence(Scenario scenario) => Life.Of(scenario, o =>
        Assert.All(Lines(o), line =>
        {
            Assert.Matches("^[a-z]+(_[a-z]+)*$", line.Event);
            Assert.Matches("^[a-z]+(_[a-z]+)*$", line.Module);
            Assert.NotEmpty(line.Message);
            Assert.DoesNotContain('\n', line.Message);
            Assert.All(line.Fields, field => Assert.Matches("^[a-z0-9]+(_[a-z0-9]+)*$", field.Name));
        }));

    private static IEnumerable<(BackendState Before, BackendState After)> BothSides(Observation o) =>
        o.Before.Backends().Join(o.After.State.Backends(), b => b.Id, a => a.Id, (b, a) => (b, a));

    // Of a probe only where it was waited for.
    private static bool Succeeded(Observation o, BackendState before) => !before.Draining && o.Happened switch
    {
        ControlEvent.ConnectsSucceeded e => e.Backend == before.Id,
        ControlEvent.ProbeEnded e =>
            e.Backend == before.Id && e.Outcome == Bal.Domain.Backend.Outcome.Success && before.Probe.InFlight,
        _ => false,
    };

    private static long Total(FailureCounters failures) => failures.Timeout + failures.Refused + failures.Other;

    private static long Told(ServiceState service) => service.Refusals[(int)Refusal.Limit].Said;

    private static IEnumerable<LogEvent> Lines(Observation o) => o.Effects<ControlEffect.Log>().Select(log => log.Line);

    private static IEnumerable<LogEvent> Said(Observation o, string name) => Lines(o).Where(line => line.Event == name);

    private static string Text(LogEvent line, string name) =>
        line.Fields.Single(f => f.Name == name).Value is LogValue.Text text ? text.Value : "";

    private static long Number(LogEvent line, string name) =>
        line.Fields.Single(f => f.Name == name).Value is LogValue.Number number ? number.Value : -1;
}
