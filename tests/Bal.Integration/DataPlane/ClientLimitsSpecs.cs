using System.Net;
using System.Net.Sockets;
using Bal.Domain.Admission;
using Bal.Domain.Counting;
using Bal.Infrastructure.DataPlane;

namespace Bal.Integration.DataPlane;

/// <summary>Limits for each client on real loops, with clients of several addresses.</summary>
public sealed class ClientLimitsSpecs
{
    [Fact]
    public async Task Each_client_has_exactly_what_it_may_however_many_loops_race()
    {
        using var backend = new Backend().Echoing();
        using var plane = Limited(backend, 4, connections: 5);
        for (var round = 1; round <= 3; round++)
        {
            var served = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => Task.Factory.StartNew(
                () => Served(plane, i % 2 == 0 ? "127.0.0.2" : "127.0.0.3"), CancellationToken.None,
                TaskCreationOptions.LongRunning, TaskScheduler.Default)));
            Assert.Equal(5, served.Where((client, i) => client is not null && i % 2 == 0).Count());
            Assert.Equal(5, served.Where((client, i) => client is not null && i % 2 == 1).Count());
            using (var other = Served(plane, "127.0.0.4"))
                Assert.NotNull(other);

            foreach (var client in served)
                client?.Dispose();
            plane.Until(() => plane.Open == 0, "every place is free again");
            Assert.Equal(50 * round, plane.Plane.Measure().Of(ServiceCounters.Of(Refusal.ClientLimit)));
            Assert.Equal(
                50 * round, plane.Plane.Measure().Of(ServiceCounters.Of(TerminationReason.RejectedClientLimit)));
        }

        Assert.Equal(new KnownClients(3, NewcomersShare: false), plane.Plane.Measure().Services[0].Clients);
        Assert.Equal(0, plane.Plane.Measure().Of(ServiceCounters.Of(Refusal.Limit)));
    }

    [Fact]
    public void A_place_is_free_once_the_client_has_seen_its_connection_end()
    {
        using var backend = new Backend().Echoing();
        using var plane = Limited(backend, 2, connections: 1);
        for (var i = 0; i < 300; i++)
        {
            using var client = From(plane, "127.0.0.2");
            client.Send("x"u8);
            client.Shutdown(SocketShutdown.Send);
            var got = client.ReadToEnd();
            Assert.False(got.Reset, $"connection {i} was rejected although the one before had ended");
            Assert.Single(got.Bytes);
        }
    }

    [Fact]
    public void Whoever_connects_too_often_is_reset_and_the_others_are_not()
    {
        using var backend = new Backend().Echoing();
        // A token comes back each second; on a slow machine more than one connection gets one.
        using var plane = Limited(backend, 2, rate: 1);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var served = Enumerable.Range(0, 20).Select(_ => Served(plane, "127.0.0.2")).ToList();
        var most = 1 + (int)clock.Elapsed.TotalSeconds;

        Assert.InRange(served.Count(client => client is not null), 1, most);
        Assert.NotNull(served[0]);
        Assert.Equal(
            served.Count(client => client is null),
            plane.Plane.Measure().Of(ServiceCounters.Of(TerminationReason.RejectedClientRate)));
        using (var other = Served(plane, "127.0.0.3"))
            Assert.NotNull(other);

        // A token comes back, although the client has tried all the time.
        var again = false;
        plane.Until(() => again || (again = Served(plane, "127.0.0.2") is not null), "it may connect again");
        served.ForEach(client => client?.Dispose());
    }

    [Fact]
    public void Whoever_the_limit_of_the_service_turns_away_does_not_count()
    {
        using var backend = new Backend().Echoing();
        using var plane = Limited(backend, 1, connections: 1);
        plane.Tune(t => t with { MaxConcurrentConnections = 1 });
        using (var holder = Served(plane, "127.0.0.2"))
        {
            Assert.NotNull(holder);
            for (var i = 0; i < 5; i++)
                Assert.Null(Served(plane, "127.0.0.3"));
            Assert.Equal(5, plane.Plane.Measure().Of(ServiceCounters.Of(Refusal.Limit)));
        }

        plane.Until(() => plane.Open == 0, "the place is free");
        using var after = Served(plane, "127.0.0.3");
        Assert.NotNull(after);
    }

    [Fact]
    public void What_was_open_before_there_were_limits_counts_as_well()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(2, backend.Port);
        var before = Enumerable.Range(0, 3).Select(_ => Served(plane, "127.0.0.2")).ToList();
        Assert.Equal(LanguageExt.Option<KnownClients>.None, plane.Plane.Measure().Services[0].Clients);

        Limit(plane, connections: 3);
        plane.Settle();
        Assert.Null(Served(plane, "127.0.0.2"));
        using (var other = Served(plane, "127.0.0.3"))
            Assert.NotNull(other);

        before[0]!.Dispose();
        plane.Until(() => plane.Open == 2, "one of them has ended");
        before.Add(Served(plane, "127.0.0.2"));
        Assert.NotNull(before[^1]);
        Assert.Null(Served(plane, "127.0.0.2"));
        before.ForEach(client => client?.Dispose());
        plane.Until(() => plane.Open == 0, "all have ended");
    }

    [Fact]
    public void A_reload_changes_limits_for_those_who_come_and_forgets_nobody()
    {
        using var backend = new Backend().Echoing();
        using var plane = Limited(backend, 2, connections: 3);
        var open = Enumerable.Range(0, 3).Select(_ => Served(plane, "127.0.0.2")).ToList();
        Assert.Null(Served(plane, "127.0.0.2"));

        Limit(plane, connections: 4);
        open.Add(Served(plane, "127.0.0.2"));
        Assert.Null(Served(plane, "127.0.0.2"));
        Limit(plane, connections: 1);
        open[0]!.Dispose();
        plane.Until(() => plane.Open == 3, "one has ended, and the others go on");
        Assert.Null(Served(plane, "127.0.0.2"));

        // Off, and on again: who came meanwhile counts.
        Limit(plane);
        open.Add(Served(plane, "127.0.0.2"));
        Limit(plane, connections: 5);
        plane.Settle();
        open.Add(Served(plane, "127.0.0.2"));
        Assert.Null(Served(plane, "127.0.0.2"));
        Assert.All(open.Skip(1), client => Assert.NotNull(client));
        open.ForEach(client => client?.Dispose());
        plane.Until(() => plane.Open == 0, "all have ended");
        Limit(plane, connections: 1);
        using var last = Served(plane, "127.0.0.2");
        Assert.NotNull(last);
    }

    // As after an upgrade: both planes are in this process, and share what they know of clients.
    [Fact]
    public void Another_plane_goes_on_with_what_one_knows()
    {
        using var backend = new Backend().Echoing();
        using var old = Limited(backend, 2, connections: 3);
        var open = Enumerable.Range(0, 2).Select(_ => Served(old, "127.0.0.2")).ToList();
        using var next = new LivePlane(2, backend.Port);
        next.Plane.InheritClients(
            "default", Bal.Infrastructure.Linux.Sockets.Duplicate(old.Plane.Serving[0].Clients));
        var elder = new ReplacedProcess(
            1, "x", Bal.Domain.Primitives.Instant.Zero, LivePlane.Counts(), [], Traffic.None)
        {
            ClientColumn = 0,
        };
        next.Plane.Replaced = Replaced.Nobody with { Processes = LanguageExt.Prelude.Array(elder) };
        Limit(next, connections: 3);

        Assert.Equal(1, next.Plane.ClientColumn);
        open.Add(Served(next, "127.0.0.2"));
        Assert.Null(Served(next, "127.0.0.2"));
        Assert.Null(Served(old, "127.0.0.2"));
        open[0]!.Dispose();
        old.Until(() => old.Open == 1, "one of the old ones has ended");
        open[0] = Served(next, "127.0.0.2");
        Assert.NotNull(open[0]);
        Assert.Null(Served(next, "127.0.0.2"));

        // It is killed: nothing of it counts any more.
        next.Plane.Replaced = next.Plane.Replaced.Without(1);
        open.Add(Served(next, "127.0.0.2"));
        Assert.NotNull(open[^1]);
        Assert.Null(Served(next, "127.0.0.2"));
        open.ForEach(client => client?.Dispose());
    }

    private static LivePlane Limited(Backend backend, int loops, int? connections = null, int? rate = null)
    {
        var plane = new LivePlane(loops, backend.Port);
        Limit(plane, connections, rate);
        plane.Settle();
        return plane;
    }

    private static void Limit(LivePlane plane, int? connections = null, int? rate = null) =>
        plane.Publish(t => t with
        {
            Service = t.Service with
            {
                ClientLimits = new(
                    connections is { } most ? most : LanguageExt.Option<int>.None,
                    rate is { } often ? often : LanguageExt.Option<int>.None),
            },
        });

    private static Socket From(LivePlane plane, string address)
    {
        var client = Sockets.New();
        client.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        client.Connect(IPAddress.Loopback, plane.Port);
        return client;
    }

    /// <summary>A connection that is being served, or null where it was reset.</summary>
    private static Socket? Served(LivePlane plane, string address)
    {
        var client = Sockets.New();
        try
        {
            client.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
            client.Connect(IPAddress.Loopback, plane.Port);
            client.Send("x"u8);
            client.Read(1);
            return client;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            client.Dispose();
            return null;
        }
    }
}
