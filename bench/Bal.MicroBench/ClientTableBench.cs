using Bal.Infrastructure.DataPlane;
using BenchmarkDotNet.Attributes;

namespace Bal.MicroBench;

/// <summary>What limits per client cost each connection, among as many other clients as are known.</summary>
public class ClientTableBench
{
    private readonly ulong[] clients = new ulong[1 << 20];
    private ClientTable table = null!;
    private int next;
    private long now = 1_000;

    [Params(100, 100_000, 262_144)]
    public int Known { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        table = ClientTable.Create().Match(
            Right: made => made, Left: problem => throw new InvalidOperationException(problem.ToText()));
        table.Join(0);
        var dice = new Random(1);
        for (var i = 0; i < clients.Length; i++)
            clients[i] = (ulong)dice.Next(Known);
        for (var i = 0; i < Known; i++)
            Enter((ulong)i);
    }

    [GlobalCleanup]
    public void Cleanup() => table.Dispose();

    /// <summary>A connection of a client that is known, from its begin to its end.</summary>
    [Benchmark]
    public void OneThatIsKnown() => Enter(clients[next++ & (clients.Length - 1)]);

    /// <summary>One of a client that has never come before.</summary>
    [Benchmark]
    public void Newcomer() => Enter(1UL << 40 | (uint)next++);

    private void Enter(ulong client)
    {
        // 100,000 connections a second.
        if (next % 100 == 0)
            now++;
        if (table.TryEnter(client, 1_000, 1_000, now, out var entry) is null)
            table.Leave(entry);
    }
}
