using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Bal.Application;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Looks up the names to listen on, on a thread of its own and for at most <see cref="Patience"/>: getaddrinfo(3) waits
/// as long as the name servers make it. A reload has them looked up before it is applied, so that the supervisor never
/// waits.
/// </summary>
internal static class BindNames
{
    public static readonly Duration Patience = new(5_000);

    // What a reload has looked up is what it opens; later ones ask again.
    private const long FreshMs = 10_000;
    private const int MaxThreads = 4;

    private static readonly ConcurrentDictionary<string, (long At, Either<string, Arr<IPAddress>> Found)> Known = new();
    private static int threads;

    /// <summary>
    /// The addresses of a name, or why there is none; waits only for a name that has not just been looked up.
    /// </summary>
    public static Either<string, Arr<IPAddress>> AddressesOf(string name)
    {
        if (Fresh(name) is { } known)
            return known;
        using var done = new SemaphoreSlim(0);
        var late = !Start([name], () => done.Release()) || !done.Wait(TimeSpan.FromMilliseconds(Patience.Milliseconds));
        if (late)
            GiveUp([name]);
        return Known[name].Found;
    }

    /// <summary>
    /// Looks names up and calls <paramref name="then"/> on the reactor's thread, in time whatever comes of it.
    /// </summary>
    public static void LookUp(IReadOnlyList<string> names, Reactor reactor, Action then)
    {
        var isOver = false;
        Timers.Timer? patience = null;
        patience = reactor.After(Patience, End);
        if (!Start(names, () => reactor.PostFromOutside(new SupervisorInput.Call(End), Urgency.Request)))
            End();

        void End()
        {
            if (isOver)
                return;
            isOver = true;
            patience?.Cancel();
            GiveUp(names);
            then();
        }
    }

    private static bool Start(IReadOnlyList<string> names, Action done)
    {
        if (Interlocked.Increment(ref threads) <= MaxThreads && Worker.TryStart("bind-names", Work))
            return true;
        Interlocked.Decrement(ref threads);
        return false;

        void Work()
        {
            foreach (var name in names)
                Known[name] = (Environment.TickCount64, Ask(name));
            Interlocked.Decrement(ref threads);
            try
            {
                done();
            }
            catch (ObjectDisposedException)
            {
                // Nobody waits any more.
            }
        }
    }

    private static Either<string, Arr<IPAddress>> Ask(string name)
    {
        try
        {
            return new Arr<IPAddress>(Dns.GetHostAddresses(name).Distinct());
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return e.Message;
        }
    }

    private static Either<string, Arr<IPAddress>>? Fresh(string name) =>
        Known.TryGetValue(name, out var known) && Environment.TickCount64 - known.At < FreshMs
            ? known.Found
            : default(Either<string, Arr<IPAddress>>?);

    private static void GiveUp(IReadOnlyList<string> names)
    {
        foreach (var name in names.Where(n => Fresh(n) is null))
        {
            Known[name] = (Environment.TickCount64, Volatile.Read(ref threads) > 0
                ? $"no answer within {Patience.ToText()}"
                : "no thread could be started to look it up");
        }
    }
}
