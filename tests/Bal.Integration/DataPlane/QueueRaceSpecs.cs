using System.Collections.Concurrent;
using System.Net.Sockets;
using Bal.Domain.Backend;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using Bal.Infrastructure.DataPlane;
using LanguageExt;
using static Bal.Integration.DataPlane.QueueSpecs;

namespace Bal.Integration.DataPlane;

/// <summary>max_connections is exact and loses no place, whatever loops, clients and processes do at once.</summary>
public sealed class QueueRaceSpecs
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(4, 2)]
    public async Task The_limit_is_exact_and_everybody_is_served_however_many_loops_race(int loops, int limit)
    {
        const int Clients = 400;
        using var backend = new CountingBackend();
        using var plane = Limited(loops, limit, backend.Port);
        plane.Tune(t => t with { QueueTimeoutMs = 60_000 });
        plane.Settle();
        var threads = Enumerable.Range(0, 16).Select(_ => Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < Clients / 16; i++)
                {
                    using var client = plane.Client();
                    client.Send("x"u8);
                    Assert.Single(client.Read(1));
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        plane.Until(() => threads.All(t => t.IsCompleted), "every client is served");
        await Task.WhenAll(threads);

        plane.Until(() => plane.Open == 0, "every session has ended");
        Assert.Equal(Clients, plane.Plane.Measure().Backends[0].Total);
        Assert.InRange(backend.Most, 1, limit);
        Assert.Equal(0, plane.Plane.Measure().Of(ServiceCounters.QueueLength));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Leaving_timing_out_and_being_served_at_the_same_moment_lose_no_place(int loops)
    {
        using var backend = new Backend().Echoing();
        using var plane = Limited(loops, 2, backend.Port);
        plane.Tune(t => t with { QueueTimeoutMs = 10 });
        plane.Settle();
        var outcomes = new ConcurrentBag<string>();
        var threads = Enumerable.Range(0, 12).Select(seed => Task.Factory.StartNew(
            () =>
            {
                var dice = new Random(seed);
                for (var i = 0; i < 120; i++)
                {
                    using var client = plane.Client();
                    try
                    {
                        client.Send("x"u8);
                        if (dice.Next(3) == 0)
                        {
                            client.LingerState = new LingerOption(true, 0);
                            outcomes.Add("left");
                            continue;
                        }

                        client.Read(1);
                        SpinWait.SpinUntil(() => false, dice.Next(12));
                        outcomes.Add("served");
                    }
                    catch (SocketException)
                    {
                        outcomes.Add("reset");
                    }
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        plane.Until(() => threads.All(t => t.IsCompleted), "every client is through");
        await Task.WhenAll(threads);
        plane.Until(() => plane.Open == 0, "every session has ended");
        Assert.Equal(0, Length(plane));
        Assert.Contains("served", outcomes);

        // Both places are there.
        plane.Tune(t => t with { QueueTimeoutMs = 60_000 });
        plane.Settle();
        using var one = plane.Client();
        using var two = plane.Client();
        one.Send("1"u8);
        two.Send("2"u8);
        Assert.Single(one.Read(1));
        Assert.Single(two.Read(1));
        using var three = plane.Client();
        plane.Until(() => Length(plane) == 1, "and no third one");
    }

    [Fact]
    public unsafe void What_a_replaced_process_holds_and_may_come_to_hold_counts_and_is_noticed_when_it_is_less()
    {
        using var backend = new Backend();
        using var older = LivePlane.Counts();
        using var plane = new LivePlane(2, serving: true);
        *(older.At(0) + 1) = 2;
        *older.At(1) = 1;
        plane.Plane.Replaced = Replaced.Nobody with
        {
            Processes = Prelude.Array(new ReplacedProcess(
                10, "1", Instant.Zero, older, Prelude.Array(new ServiceSlot(new ServiceId(1), "default", 0)),
                Traffic.None)
            {
                PlaceSlots = Prelude.Array(1L, 1L),
            }),
        };
        plane.Publish(t => t with { Up = Prelude.Array(With(LivePlane.RouteTo(1, backend.Port), 4)) });
        plane.Tune(t => t with { QueueTimeoutMs = 60_000 });
        using var first = plane.Client();
        using var second = plane.Client();
        plane.Until(() => Length(plane) == 1, "one has the only place that cannot be the older process's");

        // A client there has given up: nobody tells.
        Volatile.Write(ref *(older.At(0) + 1), 1);
        plane.Until(() => Length(plane) == 0, "its place is noticed");
        using var third = plane.Client();
        plane.Until(() => Length(plane) == 1, "there is none left");
        plane.Plane.Replaced = Replaced.Nobody;
        plane.Until(() => Length(plane) == 0, "with the process its places are gone");
    }
}
