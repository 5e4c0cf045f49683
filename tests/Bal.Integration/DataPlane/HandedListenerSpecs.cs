using System.Net;
using System.Net.Sockets;
using Bal.Domain.Control;
using Bal.Infrastructure.Linux;
using LinuxSockets = Bal.Infrastructure.Linux.Sockets;

namespace Bal.Integration.DataPlane;

/// <summary>Listeners that another process holds too: inherited, left alone for a while, and left behind.</summary>
public sealed unsafe class HandedListenerSpecs
{
    [Fact]
    public void While_the_loops_rest_clients_wait_and_when_they_resume_they_are_served()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(2, backend.Port);
        using var before = plane.Client();
        Echo(before);
        Rest(plane);
        var waiting = Enumerable.Range(0, 10).Select(_ => plane.Client()).ToArray();
        Echo(before);
        plane.Settle();
        Assert.Equal(1, plane.Open);

        plane.Plane.Resume();
        Assert.All(waiting, Echo);
        Array.ForEach(waiting, client => client.Dispose());
    }

    [Fact]
    public void A_stop_at_rest_leaves_the_clients_in_the_queue_to_the_process_that_serves_next()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(1, backend.Port);
        var fd = LinuxSockets.Duplicate(Assert.Single(Assert.Single(plane.Plane.Serving).Sockets));
        using var successor = new SafeSocketHandle(fd, ownsHandle: true);
        Rest(plane);
        using var client = plane.Client();
        plane.Plane.StopAccepting();
        plane.Until(() => plane.Events.OfType<ControlEvent.AllIdle>().Any(), "the drain is over");

        // The loops have closed their own descriptor, and with it left the queue as it is.
        var accepted = Libc.accept4(fd, null, null, Libc.SOCK_CLOEXEC);
        Assert.True(accepted >= 0, "the client has been taken from the queue");
        using var served = new Socket(new SafeSocketHandle(accepted, ownsHandle: true));
        Assert.Equal(client.LocalEndPoint, served.RemoteEndPoint);
        Assert.Equal(0, plane.Plane.Measure().Backends.Sum(b => b.Total));
    }

    [Theory]
    [InlineData(3, 1)]
    [InlineData(1, 4)]
    [InlineData(2, 2)]
    public void Every_inherited_socket_is_served_and_every_loop_serves_one(int sockets, int loops)
    {
        const int Clients = 200;
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(loops, backend.Port);
        var port = Inherit(plane, sockets, shared: true);

        var clients = Enumerable.Range(0, Clients).Select(_ => Sockets.Connect(port)).ToArray();
        Assert.All(clients, Echo);
        Assert.All(plane.Plane.EstablishedByLoop(new(1)), taken => Assert.InRange(taken, 1, Clients));
        Array.ForEach(clients, client => client.Dispose());
    }

    [Fact]
    public void A_socket_that_somebody_else_keeps_open_is_left_as_it_was()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(2, backend.Port);
        using var owners = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        owners.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        owners.Listen(16);
        var port = ((IPEndPoint)owners.LocalEndPoint!).Port;
        Adopt(plane, port, [LinuxSockets.Duplicate((int)owners.Handle)]);
        using (var client = Sockets.Connect(port))
            Echo(client);

        Assert.True(plane.Plane.Prepare(LivePlane.ConfigOf(Ports.Free())).IsRight);
        plane.Plane.Commit();
        plane.Settle();
        // A SYN would be dropped if the socket had got the filter of one that goes.
        using var later = Sockets.Connect(port);
        Assert.True(owners.Poll(Sockets.PatienceMs * 1_000, SelectMode.SelectRead));
        using var served = owners.Accept();
        Assert.Equal(later.LocalEndPoint, served.RemoteEndPoint);
    }

    private static int Inherit(LivePlane plane, int count, bool shared)
    {
        var port = 0;
        var descriptors = new List<int>();
        for (var i = 0; i < count; i++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            if (shared)
                socket.SetRawSocketOption(1, 15, BitConverter.GetBytes(1));
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen(256);
            port = ((IPEndPoint)socket.LocalEndPoint!).Port;
            descriptors.Add(LinuxSockets.Duplicate((int)socket.Handle));
        }

        Adopt(plane, port, [.. descriptors]);
        return port;
    }

    private static void Adopt(LivePlane plane, int port, int[] descriptors)
    {
        var config = LivePlane.ConfigOf(port);
        plane.Plane.Inherit(config.Main, descriptors);
        Assert.True(plane.Plane.Prepare(config).IsRight);
        plane.Plane.Commit();
        plane.Settle();
    }

    private static void Rest(LivePlane plane)
    {
        var resting = false;
        plane.Plane.Rest(() => resting = true);
        plane.Until(() => resting, "the loops rest");
    }

    private static void Echo(Socket client)
    {
        client.Send("x"u8);
        client.Read(1);
    }
}
