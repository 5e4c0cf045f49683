using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.Diagnosis;

/// <summary>What a lookup of a name has shown.</summary>
/// <param name="Addresses">Its addresses; none where it does not resolve.</param>
/// <param name="Fault">Why not.</param>
internal sealed record Lookup(IPAddress[] Addresses, string Fault);

/// <summary>
/// Lookups of many names in a bounded time: a name server that is silent costs each of them up to 20 s. Those that have
/// not ended by then are left to their threads, which end with the process.
/// </summary>
internal static class Lookups
{
    /// <summary>For all together.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private const int MostAtOnce = 16;

    /// <summary>Looks each name up once.</summary>
    public static IReadOnlyDictionary<string, Lookup> Of(IEnumerable<Host.Name> names, TimeSpan patience)
    {
        var wanted = names.Select(name => name.Value).Distinct().ToArray();
        var waiting = new ConcurrentQueue<string>(wanted);
        var found = new ConcurrentDictionary<string, Lookup>();
        var left = new CountdownEvent(Math.Max(1, wanted.Length));
        var clock = Stopwatch.StartNew();
        var threads = Enumerable.Range(0, Math.Min(MostAtOnce, wanted.Length))
            .Count(_ => Worker.TryStart("lookup", Work));
        if (threads == 0)
            Work();
        else
            left.Wait(patience);
        var late = string.Create(CultureInfo.InvariantCulture, $"no answer within {patience.TotalSeconds:0} s");
        return wanted.ToDictionary(name => name, name => found.GetValueOrDefault(name) ?? new Lookup([], late));

        void Work()
        {
            while (clock.Elapsed < patience && waiting.TryDequeue(out var name))
            {
                found[name] = Find(name);
                left.Signal();
            }
        }
    }

    private static Lookup Find(string name)
    {
        try
        {
            return new Lookup(Dns.GetHostAddresses(name), "the name has no address");
        }
        catch (SocketException e)
        {
            return new Lookup([], e.Message);
        }
    }
}
