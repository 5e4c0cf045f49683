using System.Net;
using Bal.Infrastructure.Linux;

namespace Bal.KernelLab.Relays;

/// <summary>What a relay has done so far, summed over its threads.</summary>
internal sealed record Totals(long Accepted, long Open, long ToBackend, long ToClient);

/// <summary>
/// A relay of the shape of bal's data plane and nothing around it: one thread with a listener of its own, one backend,
/// half-close, an
/// RST that waits for the bytes before it. Its modes differ only in how bytes and events pass between it and the
/// kernel.
/// </summary>
internal abstract unsafe class Relay
{
    /// <summary>How long an RST waits for the bytes before it, as in bal (contract of the relay).</summary>
    protected const long ResetWaitMs = 1_000;

    private readonly Thread thread;
    protected readonly int Wake = Libc.eventfd(0, Libc.EFD_NONBLOCK | Libc.EFD_CLOEXEC);
    protected readonly byte[] Backend;
    private long accepted;
    private long closed;
    private long toBackend;
    private long toClient;

    protected Relay(int port, int backendPort)
    {
        Backend = SockAddr.Of(IPAddress.Loopback, backendPort);
        Listener = Listen(port);
        Port = PortOf(Listener);
        thread = new Thread(Run) { IsBackground = true, Name = GetType().Name };
    }

    /// <summary>Where it listens, on 127.0.0.1.</summary>
    public int Port { get; }

    protected int Listener { get; }

    protected bool Stopping { get; private set; }

    public Totals Totals => new(
        Volatile.Read(ref accepted), Volatile.Read(ref accepted) - Volatile.Read(ref closed),
        Volatile.Read(ref toBackend), Volatile.Read(ref toClient));

    public void Start() => thread.Start();

    public void Stop()
    {
        Stopping = true;
        var one = 1L;
        _ = Libc.write(Wake, (byte*)&one, sizeof(long));
        thread.Join();
        _ = Libc.close(Listener);
    }

    protected abstract void Run();

    protected void CountAccepted() => Volatile.Write(ref accepted, accepted + 1);

    /// <summary>Bytes are counted before the close, so that who sees no connection open sees all their bytes.</summary>
    protected void CountClosed(long bytesToBackend, long bytesToClient)
    {
        toBackend += bytesToBackend;
        toClient += bytesToClient;
        Volatile.Write(ref closed, closed + 1);
    }

    /// <summary>Makes close(2) send an RST (SO_LINGER {1, 0}, socket(7)).</summary>
    protected static void ResetOnClose(int fd)
    {
        var linger = stackalloc int[2] { 1, 0 };
        _ = Libc.setsockopt(fd, Libc.SOL_SOCKET, Libc.SO_LINGER, linger, 8);
    }

    private static int Listen(int port)
    {
        var fd = Libc.socket(Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        Sockets.SetOption(fd, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1);
        Sockets.SetOption(fd, Libc.SOL_SOCKET, Libc.SO_REUSEPORT, 1);
        Sockets.SetOption(fd, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
        var error = Sockets.Bind(fd, SockAddr.Of(IPAddress.Loopback, port));
        if (error != 0 || Libc.listen(fd, 4096) != 0)
            throw new InvalidOperationException($"cannot listen on port {port}: {Errno.Text(error)}");
        return fd;
    }

    private static int PortOf(int fd)
    {
        var address = stackalloc byte[SockAddr.MaxLength];
        var length = (uint)SockAddr.MaxLength;
        _ = Libc.getsockname(fd, address, &length);
        return SockAddr.PortOf(new ReadOnlySpan<byte>(address, (int)length));
    }
}
