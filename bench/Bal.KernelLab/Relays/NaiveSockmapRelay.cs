using Bal.Infrastructure.Linux;
using Bal.KernelLab.Bpf;

namespace Bal.KernelLab.Relays;

/// <summary>
/// Sockmap as most examples use it: both sockets enter the map once they are connected, whatever comes is redirected,
/// and a FIN is passed
/// on when it is seen. Kept because it shows what breaks.
/// </summary>
internal sealed unsafe class NaiveSockmapRelay(int port, int backendPort, bool parser) : EpollRelay(port, backendPort)
{
    private const int SO_COOKIE = 57;

    private readonly Redirector redirector = new(counted: false, parser);
    private readonly Stack<int> freePairs = new();
    private int nextPair;

    protected override void OnOpen(Session session)
    {
        // Some bytes of the first answer are usually read by then: a relay hands over what has proved worth it.
        Pump(session.Client);
        if (session.State != SessionState.Open)
            return;
        if (!freePairs.TryPop(out var pair))
            pair = nextPair++;
        session.Client.Slot = 2 * pair;
        session.Server.Slot = 2 * pair + 1;
        Insert(session.Client);
        Insert(session.Server);
        session.Client.Readable = session.Server.Readable = true;
        Watch(session.Client);
        Watch(session.Server);
    }

    protected override long Redirected(Endpoint from) => from.Slot < 0 ? 0 : (long)redirector[from.Slot].Redirected;

    protected override void OnClosing(Session session)
    {
        if (session.Client.Slot < 0)
            return;
        redirector.Forget(session.Client.Cookie);
        redirector.Forget(session.Server.Cookie);
        freePairs.Push(session.Client.Slot / 2);
    }

    private void Insert(Endpoint endpoint)
    {
        ulong cookie;
        var length = (uint)sizeof(ulong);
        _ = Libc.getsockopt(endpoint.Fd, Libc.SOL_SOCKET, SO_COOKIE, &cookie, &length);
        endpoint.Cookie = cookie;
        _ = redirector.Insert(endpoint.Fd, cookie, endpoint.Slot);
    }

    private void Watch(Endpoint endpoint) =>
        Epoll.Modify(endpoint.Fd, Libc.EPOLLRDHUP | Libc.EPOLLOUT | Libc.EPOLLET, (ulong)endpoint.Id);
}
