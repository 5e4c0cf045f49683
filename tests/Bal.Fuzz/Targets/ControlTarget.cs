using System.Net.Sockets;
using System.Text;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Hosting;
using Bal.Infrastructure.Reacting;

namespace Bal.Fuzz.Targets;

/// <summary>
/// The control server with clients that do anything in any order: the input is a list of what they do, two bytes each.
/// However it went, whoever asks then is answered, and nothing is left behind.
/// </summary>
internal sealed class ControlTarget : IDisposable
{
    private const int MostSteps = 256;
    private const int MostClients = 40;
    private const int Turns = 64;

    private static readonly byte[][] Words =
    [
        "status\n"u8.ToArray(), "status"u8.ToArray(), "\n"u8.ToArray(), "graceful\r\n"u8.ToArray(), [0, 0xFF, 0xC0],
        new byte[1_000], new byte[5_000], "status\nstatus\nstatus\n"u8.ToArray(),
    ];

    private static readonly string Path = $"/dev/shm/bal-fuzz-{Environment.ProcessId}.sock";

    private readonly Reactor reactor = new();
    private readonly ControlServer server;
    private readonly List<Socket> clients = [];
    private readonly List<Action<byte[]>> unanswered = [];
    private int asked;

    private ControlTarget() => server = ControlServer.Open(reactor, Path, (request, _, answer) =>
    {
        asked++;
        Claim.That(Encoding.UTF8.GetByteCount(request) <= 3 * ControlServer.MaxRequest, "a request is bounded");
        if (request == "status")
            answer(new byte[request.Length]);
        else
            unanswered.Add(answer);
    }).Match(Right: s => s, Left: p => throw new InvalidOperationException(p.ToText()));

    internal static void Run(byte[] bytes)
    {
        using var target = new ControlTarget();
        for (var i = 0; i + 1 < bytes.Length && i < 2 * MostSteps; i += 2)
            target.Step(bytes[i], bytes[i + 1]);
        target.IsStillServed();
    }

    public void Dispose()
    {
        foreach (var client in clients)
            client.Dispose();
        server.Dispose();
        reactor.Dispose();
    }

    private void Step(byte what, byte which)
    {
        var client = clients.Count == 0 ? null : clients[which % clients.Count];
        switch (what % 8)
        {
            case 0 when clients.Count < MostClients:
                _ = TryConnect();
                break;
            case 1 or 2 when client is not null:
                Send(client, Words[what / 8 % Words.Length]);
                break;
            case 3 when client is not null:
                Try(() => client.Shutdown((SocketShutdown)(which % 3)));
                break;
            case 4 when client is not null:
                client.Dispose();
                clients.Remove(client);
                break;
            case 5 when client is not null:
                _ = Receive(client);
                break;
            case 6 when unanswered.Count > 0:
                // Late, out of order, or to somebody who has gone: the supervisor cannot know.
                var answer = unanswered[which % unanswered.Count];
                unanswered.Remove(answer);
                answer(new byte[which * 4_096]);
                break;
            default:
                Turn();
                break;
        }
    }

    // Whoever still waits for the supervisor is answered first, as it answers every request.
    private void IsStillServed()
    {
        foreach (var answer in unanswered.ToArray())
            answer([1]);
        foreach (var client in clients)
            client.Dispose();
        clients.Clear();
        var (before, last) = (asked, TryConnect());
        for (var i = 0; last is null && i < Turns; i++)
        {
            Turn();
            last = TryConnect();
        }

        Claim.That(last is not null, "the control socket accepts again");
        Send(last!, Words[0]);
        for (var i = 0; i < Turns && Receive(last!) == 0; i++)
            Turn();
        Claim.That(asked > before, "who asks last is heard");
    }

    private Socket? TryConnect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        if (Try(() => socket.Connect(new UnixDomainSocketEndPoint(Path))))
        {
            clients.Add(socket);
            return socket;
        }

        socket.Dispose();
        return null;
    }

    private void Turn() => reactor.Next(reactor.Now.Plus(new Duration(0)));

    private static void Send(Socket client, byte[] bytes) => Try(() => client.Send(bytes));

    private static int Receive(Socket client)
    {
        var read = 0;
        Try(() => read = client.Receive(new byte[64 * 1024]));
        return read;
    }

    private static bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (SocketException)
        {
            // Full, closed or reset: part of what is tried.
            return false;
        }
    }
}
