using System.Net;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using LanguageExt;
using Xunit.Abstractions;

namespace Bal.Domain.Specs.Balancing;

/// <summary>
/// <c>source_hash</c> over thousands of random sets of backends: what is promised of the shares, and of how many
/// clients move. <c>BAL_HASH_SEED</c> repeats a run.
/// </summary>
public class SourceHashSetsSpecs(ITestOutputHelper output)
{
    private const int Sets = 2_000;
    private const int DueEnough = 500;

    private readonly int seed =
        int.TryParse(Environment.GetEnvironmentVariable("BAL_HASH_SEED"), out var given) ? given : Random.Shared.Next();

    [Fact]
    public void Shares_are_within_two_percent_of_the_weights()
    {
        var worst = 0.0;
        foreach (var random in Randoms())
        {
            var backends = Backends(random, 1 + random.Next(60));
            var got = Counts(backends);
            var sum = backends.Sum(backend => backend.Weight);
            for (var i = 0; i < backends.Length; i++)
            {
                var due = SourceHash.Slots * (double)backends[i].Weight / sum;
                if (due >= DueEnough)
                    worst = Math.Max(worst, Math.Abs((got[i] / due) - 1));
            }
        }

        output.WriteLine($"seed {seed}: {Sets} sets, the share furthest from its weight by {worst:P2}");
        Assert.InRange(worst, 0, 0.02);
    }

    [Fact]
    public void One_backend_more_or_less_moves_at_most_two_percent_of_the_others()
    {
        var worst = 0.0;
        foreach (var random in Randoms())
        {
            var more = Backends(random, 2 + random.Next(60));
            var gone = random.Next(more.Length);
            var (all, left) = (new SlotTable(new(more)), new SlotTable(new(more.Where((_, i) => i != gone))));
            var moved = 0;
            for (var slot = 0; slot < SourceHash.Slots; slot++)
            {
                var (here, there) = (all.At(slot), left.At(slot));
                if (here != gone && here != (there < gone ? there : there + 1))
                    moved++;
            }

            worst = Math.Max(worst, moved / (double)SourceHash.Slots);
        }

        output.WriteLine($"seed {seed}: {Sets} sets, at most {worst:P2} of the clients moved between others");
        // The promise is 2 %. Of 20,000 sets the worst moved 0.66 %, so that half the promise is far away.
        Assert.InRange(worst, 0, 0.01);
    }

    // Whatever was measured is said, and can be had again.
    private IEnumerable<Random> Randoms() => Enumerable.Range(0, Sets).Select(i => new Random(seed + i));

    private static int[] Counts(BackendConfig[] backends)
    {
        var table = new SlotTable(new(backends));
        var counts = new int[backends.Length];
        for (var slot = 0; slot < SourceHash.Slots; slot++)
            counts[table.At(slot)]++;
        return counts;
    }

    // Addresses of all kinds; of half of the sets all weights are 1, as most are in practice.
    private static BackendConfig[] Backends(Random random, int count)
    {
        var (weighted, taken) = (random.Next(2) == 0, new System.Collections.Generic.HashSet<Endpoint>());
        while (taken.Count < count)
            taken.Add(new(HostOf(random), 1 + random.Next(65_535)));
        return [.. taken.Select(at => new BackendConfig(at) { Weight = weighted ? 1 + random.Next(16) : 1 })];
    }

    private static Host HostOf(Random random)
    {
        var bytes = new byte[random.Next(4) == 0 ? 16 : 4];
        random.NextBytes(bytes);
        return random.Next(4) == 0
            ? new Host.Name($"db-{random.Next(1_000)}.internal")
            : new Host.Address(new IPAddress(bytes));
    }
}
