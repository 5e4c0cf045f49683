using Bal.Application.Simulation;
using Bal.Domain.Simulation;

namespace Bal.Simulation;

/// <summary>A failing seed is made small: what is left is what it takes.</summary>
public sealed class ShrinkingSpecs
{
    public static TheoryData<string> Names => SabotageSpecs.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void The_smallest_world_breaks_the_same_invariant_and_has_nothing_more(string name)
    {
        var failed = FirstFailure(name);

        var smallest = Shrinking.Smallest(failed);

        Assert.True(smallest.FailsLike(failed));
        Assert.True(smallest.Again(smallest.World).FailsLike(failed));
        Assert.Equal(failed.World.Config, smallest.World.Config);
        Assert.Subset(failed.World.Scenario.Events.ToHashSet(), smallest.World.Scenario.Events.ToHashSet());
        Assert.True(smallest.World.Scenario.Length.Milliseconds <= failed.World.Scenario.Length.Milliseconds);
        Assert.InRange(
            smallest.World.Scenario.Clients.Sum(c => c.Rate.PerThousandSeconds), 0,
                failed.World.Scenario.Clients.Sum(c => c.Rate.PerThousandSeconds));
        Assert.All(smallest.World.Scenario.Events, e => Assert.False(Without(e, smallest).FailsLike(failed)));
        Assert.EndsWith(
            $"\n{smallest.Broken.Map(b => b.Message).IfNone("")}", smallest.ToScene(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_one_event_causes_is_shown_with_that_event_alone()
    {
        // Nothing is forgotten at a reload unless there is one.
        var failed = FirstFailure("reload: protection mode is forgotten", atLeast: 4);

        var smallest = Shrinking.Smallest(failed);

        var left = smallest.World.Scenario.Events.Select(e => e.Do.GetType().Name).ToList();
        Assert.Contains("Reload", left);
        Assert.InRange(left.Count, 1, 3);
        Assert.Contains(" ms: reload with ", smallest.ToScene(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_world_that_breaks_nothing_stays_as_it_is()
    {
        var sound = Trial.Of(1, SimulationRules.Production);

        Assert.Same(sound, Shrinking.Smallest(sound));
    }

    [Fact]
    public void Nobody_waits_for_more_than_the_tries_that_are_allowed()
    {
        var runs = 0;
        var failed = FirstFailure(Sabotage.All[0].Name);

        Shrinking.Smallest(Counted(failed));

        Assert.InRange(runs, 1, Shrinking.MaxTries);

        Trial Counted(Trial trial) => trial with
        {
            Again = world =>
            {
                runs++;
                return Counted(trial.Again(world));
            },
        };
    }

    private static Trial Without(ScenarioEvent happens, Trial trial) => trial.Again(trial.World with
    {
        Scenario = trial.World.Scenario with
        {
            Events = trial.World.Scenario.Events.Filter(e => !ReferenceEquals(e, happens)),
        },
    });

    private static Trial FirstFailure(string name, int atLeast = 0)
    {
        var sabotage = Sabotage.All.Single(s => s.Name == name);
        return Enumerable.Range(1, 400).Select(seed => Trial.Of((ulong)seed, sabotage))
            .First(trial => trial.Broken.IsSome && trial.World.Scenario.Events.Count >= atLeast);
    }
}
