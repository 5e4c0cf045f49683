using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Bal.Domain.Config;
using Bal.Domain.Doctor;
using Bal.Domain.Primitives;
using LanguageExt;
using Span = Bal.Domain.Primitives.Duration;

namespace Bal.Infrastructure.Diagnosis;

/// <summary>One fresh TCP connect to every backend, as a client's connection would make it.</summary>
internal static class BackendProbes
{
    /// <summary>Probes at once: quick with hundreds of backends, few enough for any descriptor limit.</summary>
    private const int Concurrency = 64;

    internal static async Task<Arr<BackendFact>> RunAsync(Arr<Service> services, CancellationToken cancel)
    {
        var work = services.SelectMany(s => s.Endpoints.Select(b => (Backend: b, s.Tuning.Health.Timeout))).ToArray();
        var facts = new BackendFact[work.Length];
        var options = new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = cancel };
        await Parallel.ForAsync(0, work.Length, options, async (i, stop) =>
        {
            var (backend, timeout) = work[i];
            facts[i] = new BackendFact(backend, await ProbeAsync(backend, timeout, stop).ConfigureAwait(false));
        }).ConfigureAwait(false);
        return facts.ToArr();
    }

    private static async Task<ProbeOutcome> ProbeAsync(Endpoint backend, Span timeout, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(TimeSpan.FromMilliseconds(Math.Min(timeout.Milliseconds, int.MaxValue)));
        ProbeOutcome outcome = new ProbeOutcome.Unresolved("the name has no address");
        try
        {
            foreach (var address in await AddressesAsync(backend.Host, limit.Token).ConfigureAwait(false))
            {
                outcome = await ConnectAsync(new IPEndPoint(address, backend.Port), started, limit.Token)
                    .ConfigureAwait(false);
                if (outcome is ProbeOutcome.Connected) return outcome;
            }

            return outcome;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new ProbeOutcome.TimedOut(timeout);
        }
        catch (SocketException e)
        {
            return new ProbeOutcome.Unresolved(e.Message);
        }
    }

    private static async Task<IPAddress[]> AddressesAsync(Host host, CancellationToken cancel) => host switch
    {
        Host.Name name => await Dns.GetHostAddressesAsync(name.Value, cancel).ConfigureAwait(false),
        Host.Address address => [address.Value],
        _ => throw new UnreachableException(),
    };

    private static async Task<ProbeOutcome> ConnectAsync(IPEndPoint remote, long started, CancellationToken cancel)
    {
        try
        {
            using var socket = new Socket(remote.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(remote, cancel).ConfigureAwait(false);
            // On loopback the kernel may pick the wanted port as the local one and connect the socket to itself.
            return Equals(socket.LocalEndPoint, socket.RemoteEndPoint)
                ? new ProbeOutcome.Refused()
                : new ProbeOutcome.Connected(new Span((long)Stopwatch.GetElapsedTime(started).TotalMilliseconds));
        }
        catch (SocketException e)
        {
            return Failure(e);
        }
    }

    private static ProbeOutcome Failure(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => new ProbeOutcome.Refused(),
        SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.AddressNotAvailable
            or SocketError.AddressAlreadyInUse or SocketError.AccessDenied or SocketError.AddressFamilyNotSupported
            or SocketError.ProtocolFamilyNotSupported => new ProbeOutcome.LocalFailure(e.Message),
        _ => new ProbeOutcome.Unreachable(e.Message),
    };
}
