using System.Net.Sockets;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using LanguageExt;

namespace Bal.Integration.DataPlane;

public sealed class DrainSpecs
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_stop_without_any_connection_is_over_at_once(int loops)
    {
        using var plane = new LivePlane(loops);
        plane.Plane.StopAccepting();
        plane.Until(() => plane.Events.OfType<ControlEvent.AllIdle>().Any(), "the drain is over");
        Assert.Throws<SocketException>(() => plane.Client());
    }

    [Fact]
    public void A_drain_is_over_once_when_the_last_connection_of_any_loop_has_ended()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(4, backend.Port);
        var clients = Enumerable.Range(0, 20).Select(_ => Echoed(plane)).ToArray();
        plane.Plane.StopAccepting();
        plane.Settle();
        Assert.Empty(plane.Events);

        clients[0].Send("still served"u8);
        clients[0].Read(12);
        foreach (var client in clients)
            client.Dispose();
        plane.Until(() => plane.Events.Count > 0, "the drain is over");
        plane.Settle();
        Assert.IsType<ControlEvent.AllIdle>(Assert.Single(plane.Events));
    }

    [Fact]
    public async Task Connections_that_end_while_the_stop_is_on_its_way_leave_no_drain_hanging()
    {
        using var backend = new Backend().Echoing();
        for (var round = 0; round < 20; round++)
        {
            using var plane = new LivePlane(3, backend.Port);
            var clients = Enumerable.Range(0, 6).Select(_ => Echoed(plane)).ToArray();
            var ending = Task.Run(() => Array.ForEach(clients, c => c.Dispose()));
            plane.Plane.StopAccepting();
            plane.Until(() => plane.Events.OfType<ControlEvent.AllIdle>().Any(), "the drain is over");
            await ending;
        }
    }

    [Fact]
    public void A_client_that_waits_in_the_queue_when_a_stop_comes_is_served()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(2, serving: false, backend.Port);
        using var client = plane.Client();
        client.Send("x"u8);
        plane.Plane.Commit();
        plane.Plane.StopAccepting();
        client.Read(1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void What_is_left_is_cut_evenly_over_the_shares(int loops)
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(loops, backend.Port);
        var clients = Enumerable.Range(0, 10).Select(_ => Echoed(plane)).ToArray();
        for (var left = 50; left > 25; left--)
            plane.Plane.Cut(left);
        plane.Settle();
        Assert.InRange(plane.Open, 3, 7);

        for (var left = 25; left > 0; left--)
            plane.Plane.Cut(left);
        plane.Settle();
        Assert.Equal(0, plane.Open);
        Assert.All(clients, c => Assert.True(c.ReadToEnd().Reset));
    }

    [Fact]
    public void A_listener_that_arrives_after_the_stop_accepts_nobody()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(2, backend.Port);
        using var holder = Echoed(plane);
        plane.Plane.StopAccepting();
        var port = Ports.Free();
        Assert.True(plane.Plane.Prepare(LivePlane.ConfigOf(port)).IsRight);
        plane.Plane.Commit();
        plane.Settle();
        Assert.Throws<SocketException>(() => Sockets.Connect(port));
    }

    [Fact]
    public void The_end_of_the_process_does_not_make_a_broken_answer_look_complete()
    {
        using var backend = new Backend().Echoing();
        var plane = new LivePlane(1, backend.Port);
        using var client = Echoed(plane);
        plane.Dispose();
        Assert.True(client.ReadToEnd().Reset);
    }

    [Fact]
    public void A_removed_backend_is_idle_when_its_last_connection_ends_and_this_is_told_once()
    {
        using var old = new Backend().Echoing();
        using var next = new Backend().Echoing();
        using var plane = new LivePlane(3, old.Port);
        var clients = Enumerable.Range(0, 9).Select(_ => Echoed(plane)).ToArray();
        plane.Publish(t =>
            t with { Up = Prelude.Array(LivePlane.RouteTo(2, next.Port)), Draining = Prelude.Array(new BackendId(1)) });
        plane.Settle();
        Assert.Empty(plane.Events);

        foreach (var client in clients)
            client.Dispose();
        plane.Until(() => plane.Events.Count > 0, "the backend is idle");
        plane.Tune(t => t with { IdleTimeout = new(50_000) });
        plane.Settle();
        Assert.Equal(new ControlEvent.BackendIdle(new BackendId(1)), Assert.Single(plane.Events));
        plane.Plane.Forget(new BackendId(1));
        Echoed(plane).Dispose();
    }

    [Fact]
    public void A_removed_backend_without_any_connection_is_idle_at_once()
    {
        using var plane = new LivePlane(3, 9);
        plane.Publish(t => t with { Up = [], Draining = Prelude.Array(new BackendId(1), new BackendId(7)) });
        plane.Until(() => plane.Events.OfType<ControlEvent.BackendIdle>().Count() == 2, "both are idle");
    }

    private static Socket Echoed(LivePlane plane)
    {
        var client = plane.Client();
        client.Send("x"u8);
        client.Read(1);
        return client;
    }
}
