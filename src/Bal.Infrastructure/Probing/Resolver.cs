using System.Net;
using System.Net.Sockets;
using Bal.Application;
using Bal.Domain.Control;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.Probing;

/// <summary>
/// Looks names up by getaddrinfo(3), which blocks: on at most <see cref="MaxThreads"/> threads, so that a dead name
/// server delays nothing else. They are started by the first lookups, before bal serves, and stay: a thread that is
/// wanted later may be refused, and then the others do its work. Without a name there is none.
/// </summary>
internal sealed class Resolver(Reactor reactor)
{
    public const int MaxThreads = 8;

    /// <summary>
    /// Addresses of one answer that are passed on; the core uses fewer. Of more, those that are always the same.
    /// </summary>
    public const int MaxAddresses = 256;

    private readonly Queue<string> waiting = new();
    private readonly object gate = new();
    private int threads;
    private int idle;

    /// <summary>Starts a thread; for tests, since a limit on threads would hit them, too.</summary>
    internal Func<string, ThreadStart, bool> TryStart { get; init; } = Worker.TryStart;

    /// <summary>Threads that wait for work; for tests.</summary>
    internal int Idle
    {
        get
        {
            lock (gate)
                return idle;
        }
    }

    public void Start(string name)
    {
        lock (gate)
        {
            waiting.Enqueue(name);
            Monitor.Pulse(gate);
            if (idle >= waiting.Count || threads == MaxThreads)
                return;
            if (TryStart("resolver", Work))
                threads++;
            if (threads > 0)
                return;
            waiting.Clear();
        }

        // The lookup fails, and is repeated by the core.
        reactor.PostResult(new ControlEvent.Resolved(name, Arr<IPAddress>.Empty));
    }

    private void Work()
    {
        while (true)
        {
            string? name;
            lock (gate)
            {
                while (!waiting.TryDequeue(out name))
                {
                    idle++;
                    Monitor.Wait(gate);
                    idle--;
                }
            }

            var resolved = new ControlEvent.Resolved(name, LookUp(name));
            reactor.PostFromOutside(new SupervisorInput.Happened(resolved), Urgency.Result);
        }
    }

    private static Arr<IPAddress> LookUp(string name)
    {
        try
        {
            return Bounded(Dns.GetHostAddresses(name)
                .Where(a => a.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6)
                .Distinct()
                .ToArray());
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return Arr<IPAddress>.Empty;
        }
    }

    internal static Arr<IPAddress> Bounded(IPAddress[] answer) => new(answer.Length <= MaxAddresses
        ? answer
        : answer.OrderBy(a => Convert.ToHexString(a.GetAddressBytes()), StringComparer.Ordinal).Take(MaxAddresses));
}
