using System.Net;
using Bal.Application;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.Probing;

/// <summary>
/// Health checks. <see cref="CheckType.Tcp"/> is reset before its handshake completes, so that the server never sees
/// it; <see cref="CheckType.TcpFull"/> is a whole connection that is ended by a FIN at once. No RST there: servers
/// such as PostgreSQL log a reset connection but stay silent on one that was closed before it said anything. Checks
/// that ask are a <see cref="Dialogue"/>, which says what to send and what came of it.
/// </summary>
/// <param name="reactor">The supervisor's thread.</param>
/// <param name="resolver">Looks names up.</param>
/// <param name="most">
/// Probes in flight at most. The others wait, first come, first served, and their timeout begins when they do.
/// </param>
/// <param name="leadsHere">Whether a connect would arrive at bal itself.</param>
/// <param name="probed">Is told after how many milliseconds a probe has ended that this machine could make.</param>
internal sealed class Prober(
    Reactor reactor, Resolver resolver, int most, OwnAddresses leadsHere, Action<BackendId, long> probed)
    : IProber
{
    /// <summary>Probes that are begun at most before the supervisor looks at everything else.</summary>
    internal const int BeginsInARow = 64;

    // What comes at once from a backend; only the supervisor's thread reads.
    private readonly byte[] heard = new byte[Dialogue.MaxHeard];
    private readonly Queue<ControlEffect.StartProbe> waiting = new();
    private readonly Stack<Attempt> idle = new();
    private bool goesOnLater;
    private long turn;
    private int begun;

    /// <summary>Probes that have a descriptor.</summary>
    internal int InFlight { get; private set; }

    public void Start(ControlEffect.StartProbe probe)
    {
        if (waiting.Count == 0 && MayBegin())
        {
            Begin(probe);
            return;
        }

        waiting.Enqueue(probe);
        GoOnLater();
    }

    public void Resolve(string name) => resolver.Start(name);

    private bool MayBegin()
    {
        if (turn != reactor.Turn)
            (turn, begun) = (reactor.Turn, 0);
        return InFlight < most && begun < BeginsInARow;
    }

    private void Begin(ControlEffect.StartProbe probe)
    {
        begun++;
        InFlight++;
        if (!idle.TryPop(out var attempt))
            attempt = new Attempt(this);
        attempt.Begin(probe);
    }

    private void End(Attempt attempt, ControlEvent.ProbeEnded result)
    {
        InFlight--;
        idle.Push(attempt);
        if (result.Outcome.Match(() => true, kind => kind != FailureKind.Local))
            probed(result.Backend, reactor.Now.Since(attempt.Began).Milliseconds);
        reactor.PostResult(result);
        GoOnLater();
    }

    // Never from within the end of another: probes that fail at once would go on without end.
    private void GoOnLater()
    {
        if (goesOnLater || waiting.Count == 0 || InFlight >= most)
            return;
        goesOnLater = true;
        reactor.After(Duration.Zero, GoOn);
    }

    private void GoOn()
    {
        goesOnLater = false;
        while (MayBegin() && waiting.TryDequeue(out var probe))
            Begin(probe);
        GoOnLater();
    }

    private sealed class Attempt
    {
        private readonly Prober prober;
        private readonly Timers.Timer timeout;
        private readonly Action<uint> onEvent;
        private ControlEffect.StartProbe probe = null!;
        private Instant deadline;
        private Outcome.Failed failure = null!;
        private int next;
        private int fd;
        private ulong tag;
        private uint interest;
        private Dialogue? dialogue;
        private ReadOnlyMemory<byte> unsent;

        public Attempt(Prober prober)
        {
            this.prober = prober;
            timeout = new Timers.Timer(TimedOut);
            onEvent = OnEvent;
        }

        private Reactor Reactor => prober.Reactor;

        private int Port => probe.Check.Port.IfNone(probe.Port);

        public Instant Began { get; private set; }

        public void Begin(ControlEffect.StartProbe what)
        {
            // The least telling one.
            (probe, next, failure) = (what, 0, new(FailureKind.Local));
            Began = Reactor.Now;
            deadline = Began.Plus(what.Timeout);
            TryNext();
        }

        // Connects to the next address, or reports the most telling failure of all of them.
        private void TryNext()
        {
            while (next < Addresses)
            {
                var place = next++;
                if (LeadsHere(place))
                {
                    Note(FailureKind.OwnListener);
                    continue;
                }

                // Each address gets an equal share of what is left, so that a silent one leaves time for the others.
                var share = new Duration(Math.Max(
                    1, deadline.Since(Reactor.Now).Milliseconds / (Addresses - next + 1)));
                var unseen = probe.Check.Type == CheckType.Tcp;
                var error = 0;
                fd = probe.Unix.Case is string path
                    ? Sockets.BeginConnect(SockAddr.OfUnix(path), unseen, [], out error)
                    : BeginConnect(probe.Addresses[place], unseen, out error);
                (dialogue, interest) = (null, Libc.EPOLLOUT);
                if (fd >= 0 && (tag = Reactor.Watch(fd, interest, onEvent)) != 0)
                {
                    Reactor.Arm(timeout, share);
                    return;
                }

                Note(fd < 0 ? ConnectErrors.KindOf(error) : FailureKind.Local);
                if (fd >= 0)
                    _ = Libc.close(fd);
            }

            prober.End(this, new ControlEvent.ProbeEnded(probe.Backend, failure, Option<IPAddress>.None));
        }

        private bool LeadsHere(int place) => probe.Unix.Match(
            prober.LeadsHere.Path,
            () => prober.LeadsHere.Address(probe.Addresses[place], probe.Port)
                || prober.LeadsHere.Address(probe.Addresses[place], Port));

        private int Addresses => probe.Unix.IsSome ? 1 : probe.Addresses.Count;

        // From any of the sources of the family, else, where that one has no port left, from the next.
        private int BeginConnect(IPAddress address, bool unseen, out int error)
        {
            var to = SockAddr.Of(address, Port);
            if (probe.Sources.IsEmpty)
                return Sockets.BeginConnect(to, unseen, [], out error);
            var sources = SockAddr.Sources(probe.Sources, address.AddressFamily);
            error = Errno.EAFNOSUPPORT;
            var first = Random.Shared.Next(Math.Max(1, sources.Length));
            for (var i = 0; i < sources.Length; i++)
            {
                var begun = Sockets.BeginConnect(to, unseen, sources[(first + i) % sources.Length], out error);
                if (begun >= 0 || !Sockets.IsOfSource(error))
                    return begun;
            }

            return -1;
        }

        private void OnEvent(uint what)
        {
            if (dialogue is not null)
            {
                Talk(what);
                return;
            }

            if ((what & (Libc.EPOLLERR | Libc.EPOLLHUP)) != 0)
            {
                var error = Sockets.TakeError(fd);
                // A connect to a Unix socket has succeeded at once: its server may have answered and closed by now.
                if (error != 0 || probe.Unix.IsNone)
                {
                    Failed(ConnectErrors.KindOf(error));
                    return;
                }
            }

            if (probe.Unix.IsNone && EphemeralPorts.Contains(Port)
                && Sockets.IsConnectedToItself(fd, SockAddr.Of(probe.Addresses[next - 1], Port)))
            {
                // Nobody listens there: what a refusal would have said.
                Failed(FailureKind.Refused);
                return;
            }

            // What it has not taken at once it would not take later either: there is room for it in a new socket. On
            // another port somebody else answers, who expects none.
            if (probe.Check is { Type: not CheckType.Tcp, Port.IsNone: true } && probe.Header != ProxyVersion.None)
                SendHeader();
            if (!probe.Check.Asks)
            {
                Succeeded();
                return;
            }

            dialogue = Dialogue.Begin(probe.Check);
            unsent = dialogue.ToSend;
            Talk(Libc.EPOLLOUT);
        }

        private void Talk(uint what)
        {
            if ((what & ~Libc.EPOLLOUT) != 0)
                Hear();
            while (dialogue!.Result.IsNone && !unsent.IsEmpty)
            {
                var sent = Sockets.Send(fd, unsent.Span);
                if (sent < 0 && Sockets.LastError is not (Errno.EAGAIN or Errno.EINTR))
                    dialogue = dialogue.Closed();
                if (sent <= 0)
                    break;
                Said(sent);
            }

            dialogue.Result.Match(Ended, () => Watch(Libc.EPOLLIN | (unsent.IsEmpty ? 0 : Libc.EPOLLOUT)));
        }

        private void Said(int bytes)
        {
            unsent = unsent[bytes..];
            if (!unsent.IsEmpty)
                return;
            dialogue = dialogue!.Sent();
            unsent = dialogue.ToSend;
        }

        // All that is there: an answer is judged whole where it came whole.
        private void Hear()
        {
            while (dialogue!.Result.IsNone)
            {
                var read = Sockets.Receive(fd, prober.heard);
                if (read < 0 && Sockets.LastError == Errno.EINTR)
                    continue;
                if (read < 0 && Sockets.LastError == Errno.EAGAIN)
                    return;
                var wasSaying = !unsent.IsEmpty;
                dialogue = read > 0 ? dialogue.Received(prober.heard.AsSpan(0, read)) : dialogue.Closed();
                if (!wasSaying)
                    unsent = dialogue.ToSend;
            }
        }

        private void Watch(uint wanted)
        {
            if (wanted == interest)
                return;
            interest = wanted;
            Reactor.Rewatch(fd, wanted, tag);
        }

        private void Ended(Outcome outcome)
        {
            if (outcome is Outcome.Failed failed)
                Failed(failed);
            else
                Succeeded();
        }

        private void Succeeded()
        {
            Close();
            prober.End(this, new ControlEvent.ProbeEnded(
                probe.Backend,
                Outcome.Success,
                probe.Unix.IsSome ? Option<IPAddress>.None : probe.Addresses[next - 1]));
        }

        private void TimedOut()
        {
            if (dialogue is null)
                Failed(FailureKind.Timeout);
            else
                dialogue.TimedOut().Result.IfSome(Ended);
        }

        private void SendHeader()
        {
            Span<byte> header = stackalloc byte[ProxyHeader.LongestWritten];
            var length = ProxyHeader.WriteLocal(header, probe.Header);
            _ = Sockets.Send(fd, header[..length]);
        }

        private void Failed(FailureKind kind) => Failed(new Outcome.Failed(kind));

        private void Failed(Outcome.Failed outcome)
        {
            Close();
            Note(outcome);
            TryNext();
        }

        private void Note(FailureKind kind) => Note(new Outcome.Failed(kind));

        private void Note(Outcome.Failed outcome)
        {
            if (Failures.MoreTelling(failure.Kind, outcome.Kind) == outcome.Kind)
                failure = outcome;
        }

        private void Close()
        {
            timeout.Cancel();
            Reactor.Close(fd, tag);
        }
    }

    private Reactor Reactor => reactor;

    private OwnAddresses LeadsHere => leadsHere;
}
