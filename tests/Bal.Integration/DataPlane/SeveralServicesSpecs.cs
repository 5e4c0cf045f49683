using System.Net;
using System.Net.Sockets;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using Bal.Infrastructure.DataPlane;
using LanguageExt;

namespace Bal.Integration.DataPlane;

/// <summary>
/// What happens to one service changes nothing for another, and reloads move services about unnoticed.
/// </summary>
public sealed class SeveralServicesSpecs
{
    [Fact]
    public void How_long_connects_and_connections_take_is_counted_once_for_each()
    {
        using var backend = new Backend().Echoing();
        var port = Ports.Free();
        using var fleet = new Fleet();
        fleet.Apply(Fleet.Table(1, "a", port, backend));
        for (var i = 0; i < 20; i++)
            Fleet.Echoed(port).Dispose();
        fleet.Until(() => fleet.TrafficOf(1).Active == 0, "all have ended");

        var traffic = fleet.Plane.Measure();
        var connects = Assert.Single(traffic.Backends).Connects;
        Assert.Equal(DurationScale.Connect.Buckets, connects.Counts.Count);
        Assert.Equal(20, connects.Count);
        Assert.Equal(20, ServiceCounters.Sessions.Of(fleet.TrafficOf(1).Counts).Count);
        // Two cache lines for each loop and backend.
        Assert.Equal(128, System.Runtime.CompilerServices.Unsafe.SizeOf<BackendCounters>());
    }

    [Fact]
    public void The_limit_and_the_counters_of_a_service_are_its_own()
    {
        using var backend = new Backend().Echoing();
        var (first, second) = (Ports.Free(), Ports.Free());
        using var fleet = new Fleet();
        fleet.Apply(Limited(Fleet.Table(1, "a", first, backend), 1), Fleet.Table(2, "b", second, backend));

        using var holder = Fleet.Echoed(first);
        using var rejected = Sockets.Connect(first);
        Assert.True(rejected.ReadToEnd().Reset);
        using var one = Fleet.Echoed(second);
        using var two = Fleet.Echoed(second);

        fleet.Until(() => fleet.Events.Count > 0, "the rejection is told");
        Assert.Equal(new ControlEvent.ClientsRefused(new ServiceId(1), Refusal.Limit, 1), fleet.Events[0]);
        Assert.Equal((1, 2), (fleet.TrafficOf(1).Active, fleet.TrafficOf(2).Active));
        Assert.Equal(1, fleet.TrafficOf(1).Of(ServiceCounters.Of(Refusal.Limit)));
        Assert.Equal(0, fleet.TrafficOf(2).Of(ServiceCounters.Of(Refusal.Limit)));
        one.Dispose();
        fleet.Until(
            () => fleet.TrafficOf(2).Of(ServiceCounters.Of(TerminationReason.Completed)) == 1, "one has ended");
        Assert.Equal(0, fleet.TrafficOf(1).Of(ServiceCounters.Of(TerminationReason.Completed)));
    }

    [Fact]
    public void A_client_that_found_no_backend_is_told_of_its_service()
    {
        using var refusing = new Refusing();
        using var backend = new Backend().Echoing();
        var (first, second) = (Ports.Free(), Ports.Free());
        using var fleet = new Fleet();
        var dead = Fleet.Table(
            2, "b", second, backend) with
        { Up = Prelude.Array(LivePlane.RouteTo(2, refusing.Port)) };
        fleet.Apply(Fleet.Table(1, "a", first, backend), dead);

        using var client = Sockets.Connect(second);
        Assert.True(client.ReadToEnd().Reset);
        fleet.Until(
            () => fleet.Events.Contains(new ControlEvent.ClientExhausted(new ServiceId(2))), "the exhaustion is told");
        Fleet.Echoed(first).Dispose();
    }

    [Fact]
    public async Task Services_that_come_go_and_change_name_and_place_fail_no_client_of_another()
    {
        using var backend = new Backend().Echoing();
        var (steady, moving) = (Ports.Free(), Ports.Free());
        using var fleet = new Fleet();
        var (a, b) = (Fleet.Table(1, "a", steady, backend), Fleet.Table(2, "b", moving, backend));
        fleet.Apply(a, b);
        var (stop, served) = (false, 0);
        var knocking = Task.Factory.StartNew(
            () =>
            {
                while (!Volatile.Read(ref stop))
                {
                    Fleet.Echoed(steady).Dispose();
                    Interlocked.Increment(ref served);
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        for (var round = 0; round < 30; round++)
        {
            var id = 10 + round;
            var added = Fleet.Table(id, "added", Ports.Free(), backend);
            var renamed = a with { Service = a.Service with { Name = $"a{round}" } };
            fleet.Apply(added, b, renamed);
            Fleet.Echoed(added.Service.Listener.Port).Dispose();
            Fleet.Echoed(moving).Dispose();
            fleet.Apply(renamed, Fleet.Removed(added), b);
            fleet.Until(() => fleet.IsIdle(id), "the removed service is idle");
            fleet.Plane.Forget(new BackendId(id));
            fleet.Plane.ForgetService(new ServiceId(id));
            var before = Volatile.Read(ref served);
            fleet.Until(() => Volatile.Read(ref served) > before || knocking.IsCompleted, "somebody is served");
        }

        Volatile.Write(ref stop, true);
        await knocking;
        Assert.Equal(2, fleet.Plane.Measure().Services.Count);
    }

    [Fact]
    public void A_removed_service_serves_the_clients_in_its_queue_and_is_idle_after_the_last_of_them()
    {
        using var backend = new Backend().Echoing();
        var port = Ports.Free();
        using var fleet = new Fleet();
        var table = Fleet.Table(1, "a", port, backend);
        fleet.Apply(table);
        Socket[] clients;
        using (fleet.Hold())
        {
            clients = [.. Enumerable.Range(0, 20).Select(_ => Sockets.Connect(port))];
            fleet.Apply(Fleet.Removed(table));
        }

        foreach (var client in clients)
        {
            client.Send("x"u8);
            client.Read(1);
        }

        fleet.Settle();
        Assert.Throws<SocketException>(() => Sockets.Connect(port));
        Assert.False(fleet.IsIdle(1));
        Array.ForEach(clients, client => client.Dispose());
        fleet.Until(() => fleet.IsIdle(1), "the backend is idle");
        Assert.Single(fleet.Events);
        Assert.Equal(20, fleet.TrafficOf(1).Of(ServiceCounters.Of(TerminationReason.Completed)));
    }

    [Fact]
    public void While_a_client_of_a_removed_service_looks_for_a_backend_none_is_said_to_be_idle()
    {
        using var silent = new Silent();
        using var good = new Backend().Echoing();
        var port = Ports.Free();
        using var fleet = new Fleet(1);
        var table = Fleet.Table(1, "a", port, good) with
        {
            Up = Prelude.Array(LivePlane.RouteTo(1, silent.Port), LivePlane.RouteTo(2, good.Port)),
        };
        fleet.Apply(table);
        using var client = Sockets.Connect(port);
        client.Send("x"u8);
        fleet.Until(() => fleet.TrafficOf(1).Active == 1, "the client is admitted");

        fleet.Apply(Fleet.Removed(table));
        fleet.Settle();
        Assert.False(fleet.IsIdle(2));
        client.Read(1);
        fleet.Until(() => fleet.IsIdle(1), "the backend that does not answer is idle");
        Assert.False(fleet.IsIdle(2));
        client.Dispose();
        fleet.Until(() => fleet.IsIdle(2), "both are idle");
    }

    [Fact]
    public void A_removed_service_that_comes_back_goes_on_as_if_nothing_had_been()
    {
        using var backend = new Backend().Echoing();
        var port = Ports.Free();
        using var fleet = new Fleet();
        var table = Fleet.Table(1, "a", port, backend);
        fleet.Apply(table);
        using var client = Fleet.Echoed(port);

        fleet.Apply(Fleet.Removed(table));
        fleet.Apply(table);
        Fleet.Echoed(port).Dispose();
        client.Dispose();
        fleet.Until(() => fleet.Plane.Measure().Active == 0, "all have ended");
        fleet.Settle();
        Assert.False(fleet.IsIdle(1));
        Assert.Equal(2, fleet.Plane.Measure().Backends[0].Total);

        fleet.Apply(Fleet.Removed(table));
        fleet.Until(() => fleet.IsIdle(1), "the backend is idle");
    }

    [Fact]
    public void A_backend_that_was_draining_before_its_service_is_removed_gets_no_client_of_it()
    {
        using var old = new Backend().Echoing();
        using var good = new Backend().Echoing();
        var port = Ports.Free();
        using var fleet = new Fleet();
        var table = Fleet.Table(1, "a", port, old);
        fleet.Apply(table);
        var moved = table with
        {
            Up = Prelude.Array(LivePlane.RouteTo(2, good.Port)),
            Draining = Prelude.Array(new BackendId(1)),
        };
        fleet.Apply(moved);
        fleet.Until(() => fleet.IsIdle(1), "the first backend is idle");

        using (fleet.Hold())
        {
            using var client = Sockets.Connect(port);
            // As the core has it, which may not have heard yet that the first one is idle.
            fleet.Plane.Publish(moved with
            {
                Up = table.Up.AddRange(moved.Up),
                Removed = true,
                Draining =
                    Prelude.Array(new BackendId(1), new BackendId(2)),
            });
            fleet.Plane.Forget(new BackendId(1));
        }

        Fleet.Echoed(port).Dispose();
        Assert.Equal(0, fleet.Plane.Measure().Backends.Filter(b => b.Backend == new BackendId(1)).Sum(b => b.Total));
    }

    [Fact]
    public void Hundreds_of_services_are_served_and_measured()
    {
        const int Count = 200;
        using var backend = new Backend().Echoing();
        using var fleet = new Fleet();
        // An address of its own for each: another test might take one of so many ports.
        var port = Ports.Free();
        RoutingTable[] tables = [.. Enumerable.Range(1, Count).Select(i => Fleet.Table(
            i, $"s{i}", new Listener(new Host.Address(AddressOf(i)), port), backend))];
        fleet.Apply(tables);
        for (var i = 1; i <= Count; i++)
            Echoed(i);

        fleet.Until(
            () => fleet.Plane.Measure().Services.Filter(
                s => s.Of(ServiceCounters.Of(TerminationReason.Completed)) == 1).Count == Count,
            "each has served one client");
        fleet.Apply([tables[0], .. tables.Skip(1).Select(Fleet.Removed)]);
        fleet.Until(() => fleet.Events.OfType<ControlEvent.BackendIdle>().Count() == Count - 1, "all others are idle");
        Echoed(1);

        static IPAddress AddressOf(int i) => IPAddress.Parse($"127.5.0.{i}");

        void Echoed(int i)
        {
            using var client = Sockets.New();
            client.Connect(AddressOf(i), port);
            client.Send("x"u8);
            client.Read(1);
        }
    }

    private static RoutingTable Limited(RoutingTable table, int limit) => table with
    {
        Service = table.Service with { Tuning = table.Service.Tuning with { MaxConcurrentConnections = limit } },
    };
}
