using System.Net;
using System.Net.Sockets;
using Bal.KernelLab.Relays;

namespace Bal.KernelLab.Integrity;

/// <summary>Runs a case through a relay of its own and counts how its streams fared.</summary>
internal sealed class Harness(Func<int, Relay> relayTo, int seed)
{
    /// <summary>Far above what a stream takes on a busy machine; only a stream that has stopped meets it.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Outcomes of both ends of each stream, and of what is checked once the streams are over.</summary>
    public async Task<IReadOnlyDictionary<Outcome, int>> Run(Case test, int rounds)
    {
        var outcomes = new Dictionary<Outcome, int>();
        for (var round = 0; round < rounds; round++)
        {
            using var backend = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            backend.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            backend.Listen(1024);
            var relay = relayTo(((IPEndPoint)backend.LocalEndPoint!).Port);
            relay.Start();
            foreach (var outcome in await Round(test, relay, backend, seed + round * 10_000))
                outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
            relay.Stop();
        }

        return outcomes;
    }

    private static async Task<IReadOnlyList<Outcome>> Round(Case test, Relay relay, Socket backend, int seed)
    {
        using var stop = new CancellationTokenSource(Limit);
        var servers = Enumerable.Range(0, test.Streams).Select(async i =>
        {
            using var socket = await backend.AcceptAsync(stop.Token);
            return await Finish(test.Server, socket, new Random(seed + 2 * i), stop.Token);
        }).ToList();
        var clients = Enumerable.Range(0, test.Streams).Select(async i =>
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            return await Finish(
                async connection =>
                {
                    await socket.ConnectAsync(IPAddress.Loopback, relay.Port, stop.Token);
                    return await test.Client(connection);
                },
                socket, new Random(seed + 2 * i + 1), stop.Token);
        }).ToList();

        var up = await Task.WhenAll(clients);
        var down = await Task.WhenAll(servers.Select(Arrived));
        var outcomes = up.Concat(down).Select(o => o.Outcome).ToList();
        outcomes.Add(await WaitUntilClosed(relay) ? Outcome.Fine : Outcome.Leaked);
        if (test.Counted && outcomes.TrueForAll(o => o == Outcome.Fine))
        {
            var totals = relay.Totals;
            var right = totals.ToBackend == up.Sum(o => o.Sent) && totals.ToClient == down.Sum(o => o.Sent);
            outcomes.Add(right ? Outcome.Fine : Outcome.Miscounted);
        }

        return outcomes;
    }

    private static async Task<(Outcome Outcome, long Sent)> Finish(
        End end, Socket socket, Random random, CancellationToken stop)
    {
        var connection = new Connection(socket, random, stop);
        try
        {
            return (await end(connection), connection.Sent);
        }
        catch (OperationCanceledException)
        {
            return (Outcome.Stalled, connection.Sent);
        }
        catch (SocketException)
        {
            return (Outcome.Reset, connection.Sent);
        }
    }

    // A connection that never reached the backend.
    private static async Task<(Outcome Outcome, long Sent)> Arrived(Task<(Outcome, long)> server)
    {
        try
        {
            return await server;
        }
        catch (OperationCanceledException)
        {
            return (Outcome.Stalled, 0);
        }
    }

    private static async Task<bool> WaitUntilClosed(Relay relay)
    {
        for (var end = Environment.TickCount64 + 3_000; Environment.TickCount64 < end;)
        {
            if (relay.Totals is { Open: 0, Accepted: > 0 })
                return true;
            await Task.Delay(2);
        }

        return false;
    }
}
