using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Doctor;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;
using LanguageExt;
using Span = Bal.Domain.Primitives.Duration;

namespace Bal.Infrastructure.Diagnosis;

/// <summary>
/// One fresh TCP connect to every backend, as a client's connection would make it, with the health check where that
/// asks, by this thread alone.
/// </summary>
internal static class BackendProbes
{
    /// <summary>Connects at once: quick with hundreds of backends, few enough for any descriptor limit.</summary>
    private const int Concurrency = 64;

    /// <summary>For all connects together; backends that are left over then are reported as not tried.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    internal static Arr<BackendFact> Run(Arr<Service> services)
    {
        var names = Lookups.Of(
            services.Bind(s => s.Endpoints).Map(b => b.Host).OfType<Host.Name>(), Lookups.Patience);
        var own = new OwnListeners(services.Select(service => service.Listener), LinuxHostFacts.Gather());
        var attempts = services.SelectMany(service => service.Backends.Select(backend => new Attempt(
            backend.Endpoint, service, service.CheckOf(backend).For(backend.Endpoint), service.HeaderFor(backend), own,
            service.Tuning.Health.Timeout,
            AddressesOf(backend.Endpoint, names)))).ToArray();
        var clock = Stopwatch.StartNew();
        var waiting = new Queue<Attempt>(attempts);
        var flying = new List<Attempt>();
        while (waiting.Count > 0 || flying.Count > 0)
        {
            while (flying.Count < Concurrency && waiting.TryDequeue(out var next))
            {
                if (clock.Elapsed > Longest)
                    next.LeaveOut(Longest);
                else if (next.Begin())
                    flying.Add(next);
            }

            if (flying.Count > 0)
                flying = Await(flying);
        }

        return new Arr<BackendFact>(attempts.Select(attempt => new BackendFact(attempt.Backend, attempt.Outcome)));
    }

    private static Lookup AddressesOf(Endpoint backend, IReadOnlyDictionary<string, Lookup> names) =>
        backend.Host.Match(address => new Lookup([address], ""), name => names[name], _ => new Lookup([], ""));

    /// <summary>Waits until one of them has ended or is late; those that go on.</summary>
    private static List<Attempt> Await(List<Attempt> flying)
    {
        var writing = flying.Where(attempt => attempt.Writes).Select(attempt => attempt.Socket!).ToList();
        var reading = flying.Where(attempt => !attempt.Writes).Select(attempt => attempt.Socket!).ToList();
        var failed = flying.Select(attempt => attempt.Socket!).ToList();
        Socket.Select(
            reading, writing, failed, TimeSpan.FromMilliseconds(Math.Max(0, flying.Min(a => a.LeftMs))));
        var ended = reading.Concat(writing).Concat(failed).ToHashSet();
        return flying.Where(attempt => ended.Contains(attempt.Socket!) ? attempt.End() : !attempt.IsLate()).ToList();
    }

    /// <summary>A backend, its addresses, and the connect in progress to one of them.</summary>
    private sealed class Attempt(
        Endpoint backend, Service service, HealthCheck check, ProxyVersion header, OwnListeners own, Span limit,
        Lookup lookup)
    {
        private readonly Stopwatch clock = new();
        private readonly int port = check.Port.IfNone(backend.Port);
        private readonly string? unix = (backend.Host as Host.Unix)?.Path;
        private Dialogue? dialogue;
        private ReadOnlyMemory<byte> unsent;
        private int next;

        /// <summary>Whether it waits until it can connect, or send.</summary>
        public bool Writes => dialogue is null || !unsent.IsEmpty;

        public Endpoint Backend => backend;

        public ProbeOutcome Outcome { get; private set; } = new ProbeOutcome.Unresolved(lookup.Fault);

        public Socket? Socket { get; private set; }

        public long LeftMs => Math.Min(limit.Milliseconds, int.MaxValue) - clock.ElapsedMilliseconds;

        public void LeaveOut(TimeSpan longest) => Outcome = new ProbeOutcome.LocalFailure(
            $"doctor stops trying backends after {new Span((long)longest.TotalMilliseconds).ToText()}");

        /// <summary>Connects to the next address; false where there is none left, or it has ended already.</summary>
        public bool Begin()
        {
            clock.Start();
            if (unix is not null)
                return next++ == 0 && Begin(unix);
            while (next < lookup.Addresses.Length)
            {
                var remote = new IPEndPoint(lookup.Addresses[next++], port);
                if (own.ReachedBy(new Endpoint(new Host.Address(remote.Address), backend.Port)).IsSome
                    || own.ReachedBy(new Endpoint(new Host.Address(remote.Address), port)).IsSome)
                {
                    Close(new ProbeOutcome.OwnListener());
                    continue;
                }

                try
                {
                    Socket = new Socket(remote.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                    if (!service.SourceAddresses.IsEmpty)
                        BindSource(Socket, remote);
                    Socket.Connect(remote);
                    return End();
                }
                catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
                {
                    return true;
                }
                catch (SocketException e)
                {
                    Close(Failure(e));
                }
            }

            return false;
        }

        // A Unix socket connects at once, or not at all.
        private bool Begin(string path)
        {
            if (own.ReachedBy(backend).IsSome)
            {
                Close(new ProbeOutcome.OwnListener());
                return false;
            }

            Socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
            var error = UnixSockets.Connect((int)Socket.Handle, path);
            if (error == 0)
                return End();
            Close(error switch
            {
                Errno.ENOENT or Errno.ENOTDIR => new ProbeOutcome.NoSocket(SocketFault.Missing),
                Errno.ECONNREFUSED => new ProbeOutcome.NoSocket(SocketFault.Abandoned),
                Errno.EACCES or Errno.EPERM => new ProbeOutcome.NoSocket(SocketFault.NotPermitted),
                Errno.EAGAIN => new ProbeOutcome.NoSocket(SocketFault.Full),
                _ => new ProbeOutcome.Unreachable(Errno.Text(error)),
            });
            return false;
        }

        // As connections for clients are made: from the first source that this machine has and that has a port left.
        private void BindSource(Socket socket, IPEndPoint remote)
        {
            var error = (int)SocketError.AddressFamilyNotSupported;
            foreach (var source in SockAddr.Sources(service.SourceAddresses, remote.AddressFamily))
            {
                var failed = Sockets.BindSource((int)socket.Handle, source);
                if (failed == 0)
                    return;
                error = failed == Errno.EADDRINUSE
                    ? (int)SocketError.AddressAlreadyInUse : (int)SocketError.AddressNotAvailable;
                if (!Sockets.IsOfSource(failed))
                    break;
            }

            throw new SocketException(error);
        }

        /// <summary>Takes what came of the connect; whether it goes on, with another address.</summary>
        public bool End()
        {
            if (dialogue is not null)
                return Talk();
            var error = (SocketError)(int)Socket!.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
            if (error != SocketError.Success)
            {
                Close(Failure(new SocketException((int)error)));
                return Begin();
            }

            // On loopback the kernel may pick the wanted port as the local one and connect the socket to itself.
            var itself = unix is null && Equals(Socket.LocalEndPoint, new IPEndPoint(lookup.Addresses[next - 1], port));
            if (!itself && check.Port.IsNone && header != ProxyVersion.None)
                SendHeader();
            if (!itself && check.Asks)
            {
                dialogue = Dialogue.Begin(check);
                unsent = dialogue.ToSend;
                return Talk();
            }

            Close(itself
                ? new ProbeOutcome.Refused()
                : new ProbeOutcome.Connected(new Span(clock.ElapsedMilliseconds)));
            return itself && Begin();
        }

        // Whether it goes on; with another address where the answer was wrong.
        private bool Talk()
        {
            var heard = new byte[Dialogue.MaxHeard];
            while (dialogue!.Result.IsNone)
            {
                var (moved, error) = unsent.IsEmpty
                    ? (Socket!.Receive(heard, SocketFlags.None, out var reading), reading)
                    : (Socket!.Send(unsent.Span, SocketFlags.None, out var sending), sending);
                if (error == SocketError.WouldBlock)
                    return true;
                var speaks = !unsent.IsEmpty;
                unsent = speaks ? unsent[moved..] : unsent;
                dialogue = error != SocketError.Success || (!speaks && moved == 0) ? dialogue.Closed()
                    : !speaks ? dialogue.Received(heard.AsSpan(0, moved))
                    : unsent.IsEmpty ? dialogue.Sent()
                    : dialogue;
                unsent = unsent.IsEmpty ? dialogue.ToSend : unsent;
            }

            return Judge(dialogue);
        }

        private bool Judge(Dialogue ended)
        {
            dialogue = null;
            var outcome = ended.Result.IfNone(Bal.Domain.Backend.Outcome.Success);
            var well = outcome == Bal.Domain.Backend.Outcome.Success;
            Close(well
                ? new ProbeOutcome.Connected(new Span(clock.ElapsedMilliseconds)) { Answered = true }
                : new ProbeOutcome.WrongAnswer(outcome.AnswerGot.IfNone("")));
            return !well && Begin();
        }

        // A backend that expects one would log its absence as an error. What it does not take is no matter here.
        private void SendHeader()
        {
            Span<byte> bytes = stackalloc byte[ProxyHeader.LongestWritten];
            var length = ProxyHeader.WriteLocal(bytes, header);
            _ = Socket!.Send(bytes[..length], SocketFlags.None, out _);
        }

        public bool IsLate()
        {
            if (LeftMs > 0)
                return false;
            if (dialogue is not null)
                return !Judge(dialogue.TimedOut());
            Close(new ProbeOutcome.TimedOut(limit));
            return true;
        }

        private void Close(ProbeOutcome outcome)
        {
            Outcome = outcome is ProbeOutcome.Connected ? outcome : ProbeOutcome.MoreTelling(outcome, Outcome);
            Socket?.Dispose();
            Socket = null;
        }
    }

    private static ProbeOutcome Failure(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => new ProbeOutcome.Refused(),
        SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.AddressNotAvailable
            or SocketError.AddressAlreadyInUse => new ProbeOutcome.LocalFailure(e.Message),
        _ => new ProbeOutcome.Unreachable(e.Message),
    };
}
