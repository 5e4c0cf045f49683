using Bal.Domain.Admission;

namespace Bal.Integration.DataPlane;

/// <summary>Limits per client are exact, whatever threads and processes do at once.</summary>
public sealed class ClientRaceSpecs
{
    private const int Threads = 8;

    // Clients that fit, and twice as many as fit, so that they are forgotten all the time.
    [Theory]
    [InlineData(1, 8, 4)]
    [InlineData(3, 8, 4)]
    [InlineData(1, 4, 8)]
    [InlineData(3, 4, 8)]
    public async Task Nobody_has_more_than_it_may_however_many_threads_race(int processes, int capacity, int clients)
    {
        const int Limit = 2;
        using var tables = new ClientTableSpecs.Tables(capacity, processes);
        // By client, and the last for all that share; counted before a place is given back and after it was taken.
        var held = new int[clients + 1];
        var (most, entered) = (0, 0);
        await Run(thread =>
        {
            var (dice, table) = (new Random(thread), tables[thread % processes]);
            for (var i = 0; i < 20_000; i++)
            {
                var client = dice.Next(clients);
                if (table.TryEnter((ulong)client, Limit, 0, 1_000, out var entry) is not null)
                    continue;
                Interlocked.Increment(ref entered);
                var whose = entry == table.Shared ? clients : client;
                Raise(ref most, Interlocked.Increment(ref held[whose]));
                if (dice.Next(4) == 0)
                    Thread.Yield();
                Interlocked.Decrement(ref held[whose]);
                table.Leave(entry);
            }
        });

        Assert.InRange(most, 1, Limit);
        Assert.True(entered > Threads);
        Assert.All(Enumerable.Range(0, capacity + 1), e => Assert.Equal(0, tables.All.Sum(t => t.OwnOf(e))));
        Assert.InRange(tables[0].Known(1_000).Known, 1, capacity);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Exactly_as_many_get_in_as_may(int processes)
    {
        for (var round = 0; round < 200; round++)
        {
            using var tables = new ClientTableSpecs.Tables(4, processes);
            var entered = 0;
            await Run(thread =>
            {
                for (var i = 0; i < 4; i++)
                {
                    if (tables[thread % processes].TryEnter(7, 5, 0, 1_000, out _) is null)
                        Interlocked.Increment(ref entered);
                }
            });

            Assert.Equal(5, entered);
            Assert.Equal(1, tables[0].Known(1_000).Known);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_bucket_is_one_for_all(int processes)
    {
        using var tables = new ClientTableSpecs.Tables(4, processes);
        var entered = 0;
        await Run(thread =>
        {
            for (var i = 0; i < 5_000; i++)
            {
                // Half a second in all, so that half of the size comes back.
                if (tables[thread % processes].TryEnter(7, int.MaxValue, 1_000, 1_000 + i / 10, out _) is null)
                    Interlocked.Increment(ref entered);
            }
        });

        Assert.InRange(entered, 1_000, 1_000 + 499);
    }

    // Two processes are killed again and again, wherever their threads are, and others take their places.
    [Fact]
    public async Task Whatever_those_had_that_were_killed_is_free_again()
    {
        const int Limit = 2;
        for (var round = 0; round < 50; round++)
        {
            using var tables = new ClientTableSpecs.Tables(3, 2);
            await Run(thread =>
            {
                var dice = new Random(thread + round);
                // Some leave nothing behind, the others whatever they happen to have.
                for (var i = 0; i < dice.Next(200); i++)
                {
                    var process = thread % 2;
                    if (tables[process].TryEnter((ulong)dice.Next(5), Limit, 0, 1_000, out var entry) is null
                        && process == 0)
                        tables[0].Leave(entry);
                }
            });

            tables[0].Retain([]);
            for (var client = 0UL; client < 3; client++)
            {
                Assert.Null(tables[0].TryEnter(client, Limit, 0, 1_000, out _));
                Assert.Null(tables[0].TryEnter(client, Limit, 0, 1_000, out _));
                Assert.Equal(Refusal.ClientLimit, tables[0].TryEnter(client, Limit, 0, 1_000, out _));
            }
        }
    }

    private static Task Run(Action<int> thread)
    {
        var start = new Barrier(Threads);
        return Task.WhenAll(Enumerable.Range(0, Threads).Select(number => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                thread(number);
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
    }

    private static void Raise(ref int most, int now)
    {
        for (var seen = Volatile.Read(ref most); now > seen; seen = Volatile.Read(ref most))
            Interlocked.CompareExchange(ref most, now, seen);
    }
}
