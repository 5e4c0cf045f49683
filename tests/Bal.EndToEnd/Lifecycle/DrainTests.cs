using System.Diagnostics;

namespace Bal.EndToEnd.Lifecycle;

/// <summary>The drain of a stop ends within 30 s, and what is left is cut evenly over the last 5 s.</summary>
public sealed class DrainTests(ITestOutputHelper output)
{
    // Side by side, since each of them takes the whole half minute.
    [Fact]
    public Task Connections_that_never_end_are_cut_evenly_over_the_last_five_seconds_of_thirty() =>
        Task.WhenAll(Drained("auto"), Drained("copy"), Drained("splice"));

    private async Task Drained(string relay)
    {
        const int Clients = 40;
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).With("relay", relay));
        var clients = new List<Socket>();
        for (var i = 0; i < Clients; i++)
        {
            clients.Add(await bal.Connect());
            await clients[i].Write(new byte[1]);
            await clients[i].Read(1);
        }

        var clock = Stopwatch.StartNew();
        var stopping = bal.Run("stop");
        var ends = await Task.WhenAll(clients.Select(async client =>
        {
            await client.ReadToEnd(TimeSpan.FromSeconds(40));
            return clock.Elapsed.TotalSeconds;
        }));
        (await stopping).Succeeds();
        var whole = clock.Elapsed.TotalSeconds;

        Array.Sort(ends);
        output.WriteLine(
            $"{relay}: first cut after {ends[0]:0.0} s, last after {ends[^1]:0.0} s, gone after {whole:0.0} s");
        // Room above for a machine that is late in noticing, and none below: nobody is cut early.
        Assert.InRange(ends[0], 24.5, 28);
        Assert.InRange(ends[^1], 28.5, 33);
        Assert.InRange(whole, ends[^1], 35);
        // Evenly: about a fifth of them a second, and in no second nearly all.
        Assert.All(ends, end => Assert.InRange(ends.Count(e => e >= end && e < end + 1), 1, 3 * Clients / 4));
        foreach (var client in clients)
            client.Dispose();
    }
}
