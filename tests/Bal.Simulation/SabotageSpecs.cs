namespace Bal.Simulation;

/// <summary>
/// A net that never caught anything proves nothing: each bug put in on purpose is caught, by the invariant meant for
/// it.
/// </summary>
public sealed class SabotageSpecs
{
    private const int Patience = 400;

    public static TheoryData<string> Names => new(Sabotage.All.Select(s => s.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void A_bug_put_in_on_purpose_is_caught(string name)
    {
        var sabotage = Sabotage.All.Single(s => s.Name == name);
        var caught = Enumerable.Range(1, Patience)
            .Select(seed => Trial.Of((ulong)seed, sabotage))
            .FirstOrDefault(trial => trial.Broken.IsSome);
        Assert.True(caught is not null, $"{Patience} seeds found nothing wrong");
        Assert.Contains($"{sabotage.Caught} at ", caught.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_invariant_has_caught_a_bug() => Assert.Empty(
        Enum.GetValues<Invariant>().Except(Sabotage.All.Select(s => s.Caught)));
}
