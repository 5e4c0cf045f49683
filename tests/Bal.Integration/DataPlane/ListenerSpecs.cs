using System.Net;
using System.Net.Sockets;
using Bal.Integration.Process;

namespace Bal.Integration.DataPlane;

public sealed class ListenerSpecs
{
    [Fact]
    public void A_new_port_is_served_before_the_old_one_goes_and_old_connections_stay()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(3, backend.Port);
        using var old = plane.Client();
        old.Send("x"u8);
        old.Read(1);
        var port = Ports.Free();
        Assert.True(plane.Plane.Prepare(LivePlane.ConfigOf(port)).IsRight);
        plane.Plane.Commit();
        plane.Settle();

        Assert.Throws<SocketException>(() => plane.Client());
        using var client = Sockets.Connect(port);
        client.Send("y"u8);
        client.Read(1);
        old.Send("z"u8);
        old.Read(1);
    }

    [Fact]
    public async Task Widening_the_address_on_the_same_port_refuses_nobody_meanwhile()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(2, backend.Port);
        var stop = false;
        var served = 0;
        var knocking = Task.Run(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                using var client = plane.Client();
                client.Send("x"u8);
                client.Read(1);
                Interlocked.Increment(ref served);
            }
        });
        foreach (var address in new[] { "0.0.0.0", "127.0.0.1", "0.0.0.0" })
        {
            Assert.True(plane.Plane.Prepare(LivePlane.ConfigOf(plane.Port, address)).IsRight);
            plane.Plane.Commit();
            plane.Settle();
            var before = Volatile.Read(ref served);
            plane.Until(() => Volatile.Read(ref served) > before, "somebody is served, or nobody knocks any more");
        }

        Volatile.Write(ref stop, true);
        await knocking;
    }

    [Fact]
    public void A_listener_that_drops_new_handshakes_completes_those_that_have_begun()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(8);
        var endpoint = (IPEndPoint)listener.LocalEndPoint!;
        using var before = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        before.Connect(endpoint);

        Assert.True(Bal.Infrastructure.Linux.Sockets.DropNewHandshakes((int)listener.Handle));

        // What was queued is still there, and data, FIN and ACK of it pass; a new SYN gets no answer, not even a
        // refusal.
        before.Send("x"u8);
        using var accepted = listener.Accept();
        Assert.Equal(1, accepted.Receive(new byte[1]));
        using var after = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var pending = after.ConnectAsync(endpoint);
        Assert.True(SpinWait.SpinUntil(() => SynsRepeated(after) > 0 || pending.IsCompleted, TimeSpan.FromSeconds(20)));
        Assert.False(pending.IsCompleted);
    }

    [Fact]
    public void A_port_that_comes_back_at_once_is_not_held_by_the_listener_that_still_goes()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(4, backend.Port);
        var other = Ports.Free();
        for (var i = 0; i < 40; i++)
        {
            var prepared = plane.Plane.Prepare(LivePlane.ConfigOf(i % 2 == 0 ? other : plane.Port));
            Assert.True(prepared.IsRight, prepared.Match(Right: _ => "", Left: p => p.ToText()));
            plane.Plane.Commit();
        }

        plane.Settle();
        using var client = plane.Client();
        client.Send("x"u8);
        client.Read(1);
    }

    [Fact]
    public void Every_loop_gets_a_share_of_the_clients()
    {
        using var plane = new LivePlane(4, serving: false);
        var clients = Enumerable.Range(0, 120).Select(_ => plane.Client()).ToArray();
        // The queue of a listener stands where other sockets have their unread bytes (proc(5)).
        var queues = File.ReadLines("/proc/net/tcp")
            .Select(row => row.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(f => f[1].EndsWith($":{plane.Port:X4}", StringComparison.Ordinal) && f[3] == "0A")
            .Select(f => Convert.ToInt32(f[4].Split(':')[1], 16))
            .ToArray();
        Assert.Equal(4, queues.Length);
        Assert.All(queues, waiting => Assert.InRange(waiting, 5, 90));
        Assert.All(clients, c => c.Dispose());
    }

    [Fact]
    public void An_address_that_cannot_be_bound_leaves_everything_as_it_is()
    {
        using var backend = new Backend().Echoing();
        using var other = new Backend();
        using var plane = new LivePlane(2, backend.Port);
        Assert.True(plane.Plane.Prepare(LivePlane.ConfigOf(other.Port)).IsLeft);
        plane.Plane.Abandon();
        using var client = plane.Client();
        client.Send("x"u8);
        client.Read(1);
    }

    [Fact]
    public void A_port_that_another_process_shares_is_an_error_also_when_bal_holds_a_part_of_it()
    {
        using var plane = new LivePlane(2);
        using var other = Child.Start("python3", ["-c", """
            import socket, sys
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            s.bind(("127.0.0.2", int(sys.argv[1])))
            s.listen()
            print("held", flush=True)
            sys.stdin.read()
            """, $"{plane.Port}"]);
        Assert.Equal("held", other.Out.ReadLine());
        var refusal = plane.Plane.Prepare(LivePlane.ConfigOf(plane.Port, "0.0.0.0"));
        Assert.True(refusal.IsLeft);
        Assert.True(plane.Plane.Prepare(LivePlane.ConfigOf(plane.Port)).IsRight);
        plane.Client().Dispose();
    }

    // tcpi_retransmits (tcp(7), struct tcp_info): a SYN that got an answer is not sent again.
    private static byte SynsRepeated(Socket socket)
    {
        const int tcp = 6;
        const int tcpInfo = 11;
        const int retransmits = 2;
        var info = new byte[104];
        _ = socket.GetRawSocketOption(tcp, tcpInfo, info);
        return info[retransmits];
    }
}
