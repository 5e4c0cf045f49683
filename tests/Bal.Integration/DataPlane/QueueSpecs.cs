using System.Net.Sockets;
using Bal.Domain.Admission;
using Bal.Domain.Balancing;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using LanguageExt;

namespace Bal.Integration.DataPlane;

/// <summary>Backends with max_connections, and the clients that wait for a place.</summary>
public sealed class QueueSpecs
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Who_waits_is_served_in_the_order_in_which_they_came(int loops)
    {
        using var backend = new Backend();
        using var plane = Limited(loops, 1, backend.Port);
        plane.Tune(t => t with { QueueTimeoutMs = 60_000 });
        var clients = new List<Socket>();
        for (var i = 0; i < 50; i++)
        {
            clients.Add(plane.Client());
            clients[i].Send([(byte)i]);
            // All have come so far, in whatever loop: the first has the place, the others wait.
            var waiting = i;
            plane.Until(() => plane.Open == waiting + 1 && Length(plane) == waiting, $"{waiting} wait");
            // That it is open does not say yet that it has looked for a backend, before the next one does.
            plane.UntilEstablished(1);
        }

        for (var i = 0; i < clients.Count; i++)
        {
            using var served = backend.Accept();
            Assert.Equal(i, served.Read(1)[0]);
            clients[i].Dispose();
        }

        plane.Until(() => Length(plane) == 0, "nobody waits");
        Assert.Equal(49, plane.Plane.Measure().Of(ServiceCounters.QueueWaits));
        plane.Until(() => plane.Open == 0, "every session has ended");
    }

    [Fact]
    public void Ten_thousand_clients_are_served_in_their_order()
    {
        const int Clients = 2_500;
        for (var limit = 1; limit <= 3; limit++)
        {
            using var backend = new Backend();
            using var plane = Limited(2, limit, backend.Port);
            plane.Tune(t => t with { QueueTimeoutMs = 60_000, QueueLimit = Clients });
            var clients = new List<Socket>();
            for (var i = 0; i < Clients; i++)
            {
                clients.Add(plane.Client());
                clients[i].Send(BitConverter.GetBytes(i));
                if (i % 100 == 0 || i <= limit)
                {
                    var open = i + 1;
                    plane.Until(() => plane.Open == open, $"{open} are there");
                }
            }

            plane.Until(() => Length(plane) == Clients - limit, "all the others wait");
            for (var i = 0; i < Clients; i++)
            {
                using var served = backend.Accept();
                // Those of the same hundred reach two loops at once, and either may be the first.
                var number = BitConverter.ToInt32(served.Read(4));
                Assert.InRange(number, i - 100, i + 100);
                clients[number].Dispose();
            }

            plane.Until(() => plane.Open == 0, "every session has ended");
            Assert.Equal(0, Refused(plane, Refusal.QueueFull) + Refused(plane, Refusal.QueueTimeout));
        }
    }

    [Fact]
    public void A_reset_leaves_the_queue_at_once_and_a_FIN_does_not()
    {
        using var backend = new Backend();
        using var plane = Limited(1, 1, backend.Port);
        plane.Tune(t => t with { QueueTimeoutMs = 60_000 });
        using var first = plane.Client();
        using var served = backend.Accept();
        var resets = plane.Client();
        resets.Send("never read"u8);
        plane.Until(() => Length(plane) == 1, "it waits");
        using var finishes = plane.Client();
        finishes.Send("question"u8);
        finishes.Shutdown(SocketShutdown.Send);
        plane.Until(() => Length(plane) == 2, "both wait");

        resets.LingerState = new LingerOption(true, 0);
        resets.Dispose();
        plane.Until(() => Length(plane) == 1, "the one that was reset is forgotten");
        Assert.Equal(1, plane.Plane.Measure().Of(ServiceCounters.Of(TerminationReason.ClientAborted)));

        first.Dispose();
        served.Dispose();
        using var next = backend.Accept();
        Assert.Equal("question"u8.ToArray(), next.ReadToEnd().Bytes);
        next.Send("answer"u8);
        next.Shutdown(SocketShutdown.Send);
        Assert.Equal("answer"u8.ToArray(), finishes.ReadToEnd().Bytes);
    }

    [Fact]
    public void Nobody_waits_for_longer_than_the_timeout_and_the_reason_is_counted_before_the_client_knows()
    {
        using var backend = new Backend();
        using var plane = Limited(1, 1, backend.Port);
        plane.Tune(t => t with { QueueTimeoutMs = 100 });
        plane.Settle();
        using var first = plane.Client();
        using var served = backend.Accept();
        using var waits = plane.Client();
        Assert.True(waits.ReadToEnd().Reset);

        Assert.Equal(1, Refused(plane, Refusal.QueueTimeout));
        Assert.Equal(
            1, plane.Plane.Measure().Of(ServiceCounters.Of(TerminationReason.RejectedQueueTimeout)));
        Assert.InRange(plane.Plane.Measure().Of(ServiceCounters.QueueLongestWaitMs), 100, 60_000);
        Assert.Equal(0, Length(plane));
        Assert.DoesNotContain(plane.Events, e => e is ControlEvent.ClientExhausted);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void No_more_wait_than_may(int limit)
    {
        using var backend = new Backend();
        using var plane = Limited(1, 1, backend.Port);
        plane.Tune(t => t with { QueueTimeoutMs = 60_000, QueueLimit = limit });
        plane.Settle();
        using var first = plane.Client();
        using var served = backend.Accept();
        var waiting = Enumerable.Range(0, limit).Select(_ => plane.Client()).ToArray();
        plane.Until(() => Length(plane) == limit, "as many wait as may");

        using var surplus = plane.Client();
        Assert.True(surplus.ReadToEnd().Reset);
        Assert.Equal(1, Refused(plane, Refusal.QueueFull));
        Assert.Equal(1, plane.Plane.Measure().Of(ServiceCounters.Of(TerminationReason.RejectedQueueFull)));
        Assert.Equal(limit, Length(plane));
        Array.ForEach(waiting, client => client.Dispose());
    }

    [Fact]
    public void Those_who_wait_count_for_the_connection_limit()
    {
        using var backend = new Backend();
        using var plane = Limited(1, 1, backend.Port);
        plane.Tune(t => t with { QueueTimeoutMs = 60_000, MaxConcurrentConnections = 2 });
        plane.Settle();
        using var first = plane.Client();
        using var served = backend.Accept();
        using var waits = plane.Client();
        plane.Until(() => Length(plane) == 1, "it waits");
        using var surplus = plane.Client();
        Assert.True(surplus.ReadToEnd().Reset);
        Assert.Equal(1, Refused(plane, Refusal.Limit));
    }

    [Fact]
    public void A_limit_that_is_raised_or_removed_lets_in_those_who_wait()
    {
        using var backend = new Backend();
        using var plane = Limited(2, 1, backend.Port);
        plane.Tune(t => t with { QueueTimeoutMs = 60_000 });
        plane.Settle();
        var clients = Enumerable.Range(0, 6).Select(_ => plane.Client()).ToArray();
        plane.Until(() => Length(plane) == 5, "five wait");

        Limit(plane, 3);
        plane.Until(() => Length(plane) == 3, "two more have their places");
        Limit(plane, 2);
        Assert.Equal(3, Length(plane));
        clients[0].Dispose();
        Limit(plane, Option<int>.None);
        plane.Until(() => Length(plane) == 0, "nobody waits");
        Array.ForEach(clients, client => client.Dispose());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_limit_that_a_reload_sets_counts_the_connections_that_are_open(int loops)
    {
        using var backend = new Backend();
        using var plane = new LivePlane(loops, backend.Port);
        plane.Tune(t => t with { QueueTimeoutMs = 60_000 });
        var before = Enumerable.Range(0, 8).Select(_ => (Client: plane.Client(), Served: backend.Accept())).ToList();
        plane.UntilEstablished(8);

        Limit(plane, 6);
        plane.Settle();
        using var late = plane.Client();
        plane.Until(() => Length(plane) == 1, "there is no place for it");
        for (var i = 0; i < 2; i++)
        {
            before[i].Client.Dispose();
            before[i].Served.Dispose();
        }

        plane.Until(() => plane.Open == 7, "six are left, and the one that waits");
        Assert.Equal(1, Length(plane));
        before[2].Client.Dispose();
        before[2].Served.Dispose();
        using var served = backend.Accept();
        plane.Until(() => Length(plane) == 0, "it has its place");
        before.ForEach(one => one.Client.Dispose());
    }

    [Fact]
    public void A_backend_that_comes_up_takes_in_those_who_wait_for_another_one()
    {
        using var full = new Backend();
        using var other = new Backend();
        using var plane = Limited(2, 1, full.Port);
        plane.Tune(t => t with { QueueTimeoutMs = 60_000 });
        using var first = plane.Client();
        using var served = full.Accept();
        using var waits = plane.Client();
        plane.Until(() => Length(plane) == 1, "it waits");

        plane.Publish(t => t with { Up = t.Up.Add(LivePlane.RouteTo(2, other.Port)) });
        using var late = other.Accept();
        plane.Until(() => Length(plane) == 0, "it has its place");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void With_no_usable_backend_left_those_who_wait_meet_the_last_resorts(bool backup)
    {
        using var full = new Backend();
        using var plane = Limited(2, 1, full.Port);
        plane.Tune(t => t with { QueueTimeoutMs = 60_000 });
        using var first = plane.Client();
        using var served = full.Accept();
        using var waits = plane.Client();
        plane.Until(() => Length(plane) == 1, "it waits");

        // Down and full, so that not even as a last resort it takes one more.
        plane.Publish(t => backup
            ? t with { Up = Arr<Route>.Empty, BackupsDown = t.Up }
            : t with { Up = Arr<Route>.Empty, Down = t.Up });
        Assert.True(waits.ReadToEnd().Reset);
        Assert.Equal(1, Refused(plane, Refusal.BackendsUnavailable));
    }

    [Fact]
    public void A_client_whose_backend_refuses_waits_for_the_other_one_before_those_who_came_later()
    {
        using var refusing = new Refusing();
        using var full = new Backend();
        using var plane = new LivePlane(1, full.Port);
        plane.Publish(t => t with { Up = t.Up.Map(r => With(r, 1)) });
        plane.Tune(t => t with { QueueTimeoutMs = 60_000 });
        using var first = plane.Client();
        var served = full.Accept();
        plane.Publish(t => t with { Up = t.Up.Add(LivePlane.RouteTo(2, refusing.Port)) });
        using var second = plane.Client();
        second.Send("2"u8);
        plane.Until(() => Length(plane) == 1, "it waits");
        using var third = plane.Client();
        third.Send("3"u8);
        plane.Until(() => Length(plane) == 2, "both wait");

        first.Dispose();
        served.Dispose();
        served = full.Accept();
        Assert.Equal("2"u8.ToArray(), served.Read(1));
        served.Dispose();
    }

    [Fact]
    public void A_client_that_has_waited_and_has_to_wait_again_finds_the_queue_never_full()
    {
        using var hole = new Silent();
        using var full = new Backend();
        using var plane = Limited(1, 1, full.Port);
        plane.Tune(t => t with { QueueTimeoutMs = 60_000, QueueLimit = 1, ConnectTimeout = new(500) });
        plane.Settle();
        using var first = plane.Client();
        var served = full.Accept();
        using var second = plane.Client();
        second.Send("2"u8);
        plane.Until(() => Length(plane) == 1, "it waits");
        plane.Publish(t => t with { Up = t.Up.Add(With(LivePlane.RouteTo(2, hole.Port), 1)) });
        plane.Until(() => Length(plane) == 0, "it is being connected to what has just come up");
        using var third = plane.Client();
        third.Send("3"u8);
        plane.Until(() => Length(plane) == 1, "the other one takes its place in the queue");

        plane.Until(() => Length(plane) == 2, "the connect has failed, and both wait");
        first.Dispose();
        served.Dispose();
        served = full.Accept();
        Assert.Equal("2"u8.ToArray(), served.Read(1));
        Assert.Equal(0, Refused(plane, Refusal.QueueFull));
        served.Dispose();
    }

    [Fact]
    public void Without_a_limit_nothing_is_counted_twice_and_there_is_no_line()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(1, backend.Port);
        using var client = plane.Client();
        plane.UntilEstablished(1);
        Assert.Empty(plane.Plane.PlaceSlots);
    }

    internal static LivePlane Limited(int loops, int limit, int port)
    {
        var plane = new LivePlane(loops, serving: true);
        plane.Publish(t => t with { Up = Prelude.Array(With(LivePlane.RouteTo(1, port), limit)) });
        plane.Settle();
        return plane;
    }

    private static void Limit(LivePlane plane, Option<int> limit) =>
        plane.Publish(t => t with { Up = t.Up.Map(route => With(route, limit)) });

    internal static Route With(Route route, Option<int> limit) =>
        route with { Config = route.Config with { MaxConnections = limit } };

    internal static long Length(LivePlane plane) => plane.Plane.Measure().Of(ServiceCounters.QueueLength);

    private static long Refused(LivePlane plane, Refusal reason) =>
        plane.Plane.Measure().Of(ServiceCounters.Of(reason));
}
