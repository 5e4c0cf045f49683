using System.Net;
using System.Net.Sockets;
using Bal.Application;
using Bal.Domain.Control;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.Probing;

/// <summary>
/// Looks names up by getaddrinfo(3), which blocks: each on a short-lived thread of its own, at most
/// <see cref="MaxThreads"/> at once, so that a dead name server delays nothing else and an idle bal keeps no thread.
/// </summary>
internal sealed class Resolver(Reactor reactor)
{
    public const int MaxThreads = 8;

    /// <summary>Addresses of one name that are used; more would only prolong a failing attempt.</summary>
    public const int MaxAddresses = 8;

    private readonly Queue<string> waiting = new();
    private readonly Lock gate = new();
    private int threads;

    public void Start(string name)
    {
        lock (gate)
        {
            waiting.Enqueue(name);
            if (threads >= MaxThreads)
                return;
            threads++;
        }

        try
        {
            new Thread(Work, 256 * 1024) { Name = "resolver", IsBackground = true }.Start();
        }
        catch (OutOfMemoryException)
        {
            // pthread_create(3) failed, at a limit on threads as a rule: the lookup fails, and is repeated by the core.
            FailOne();
        }
    }

    private void FailOne()
    {
        string? name;
        lock (gate)
        {
            threads--;
            // Another thread that still works takes everything that waits.
            if (threads > 0 || !waiting.TryDequeue(out name))
                return;
        }

        reactor.PostFromOutside(new SupervisorInput.Happened(new ControlEvent.Resolved(name, Arr<IPAddress>.Empty)));
    }

    private void Work()
    {
        while (true)
        {
            string? name;
            lock (gate)
            {
                if (!waiting.TryDequeue(out name))
                {
                    threads--;
                    return;
                }
            }

            reactor.PostFromOutside(new SupervisorInput.Happened(new ControlEvent.Resolved(name, LookUp(name))));
        }
    }

    private static Arr<IPAddress> LookUp(string name)
    {
        try
        {
            return new Arr<IPAddress>(Dns.GetHostAddresses(name)
                .Where(a => a.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6)
                .Distinct()
                .Take(MaxAddresses));
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return Arr<IPAddress>.Empty;
        }
    }
}
