using System.Net;
using Bal.Application;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.Probing;

/// <summary>
/// TCP probes: a connect that is ended by a FIN at once. No RST, since servers such as PostgreSQL log a reset
/// connection but stay silent on one that was closed before it said anything.
/// </summary>
/// <param name="reactor">The supervisor's thread.</param>
/// <param name="resolver">Looks names up.</param>
/// <param name="most">
/// Probes in flight at most. The others wait, first come, first served, and their timeout begins when they do.
/// </param>
internal sealed class Prober(Reactor reactor, Resolver resolver, int most) : IProber
{
    /// <summary>Probes that are begun at most before the supervisor looks at everything else.</summary>
    internal const int BeginsInARow = 64;

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
        private int next;
        private int fd;
        private ulong tag;

        public Attempt(Prober prober)
        {
            this.prober = prober;
            timeout = new Timers.Timer(() => Failed(FailureKind.Timeout));
            onEvent = OnEvent;
        }

        private Reactor Reactor => prober.Reactor;

        public void Begin(ControlEffect.StartProbe what)
        {
            (probe, next) = (what, 0);
            deadline = Reactor.Now.Plus(what.Timeout);
            TryNext(FailureKind.Other);
        }

        // Connects to the next address, or reports that the last one failed like this.
        private void TryNext(FailureKind failure)
        {
            while (next < probe.Addresses.Count)
            {
                // Each address gets an equal share of what is left, so that a silent one leaves time for the others.
                var share = new Duration(Math.Max(
                    1, deadline.Since(Reactor.Now).Milliseconds / (probe.Addresses.Count - next)));
                fd = Sockets.BeginConnect(SockAddr.Of(probe.Addresses[next++], probe.Port), out var error);
                if (fd >= 0 && (tag = Reactor.Watch(fd, Libc.EPOLLOUT, onEvent)) != 0)
                {
                    Reactor.Arm(timeout, share);
                    return;
                }

                failure = fd < 0 ? ConnectErrors.KindOf(error) : FailureKind.Local;
                if (fd >= 0)
                    _ = Libc.close(fd);
            }

            prober.End(this, new ControlEvent.ProbeEnded(
                probe.Backend, Outcome.Failure(failure), Option<IPAddress>.None));
        }

        private void OnEvent(uint what)
        {
            if ((what & (Libc.EPOLLERR | Libc.EPOLLHUP)) != 0)
            {
                Failed(ConnectErrors.KindOf(Sockets.TakeError(fd)));
                return;
            }

            var address = probe.Addresses[next - 1];
            if (EphemeralPorts.Contains(probe.Port)
                && Sockets.IsConnectedToItself(fd, SockAddr.Of(address, probe.Port)))
            {
                // Nobody listens there: what a refusal would have said.
                Failed(FailureKind.Refused);
                return;
            }

            Close();
            prober.End(this, new ControlEvent.ProbeEnded(probe.Backend, Outcome.Success, address));
        }

        private void Failed(FailureKind kind)
        {
            Close();
            TryNext(kind);
        }

        private void Close()
        {
            timeout.Cancel();
            Reactor.Close(fd, tag);
        }
    }

    private Reactor Reactor => reactor;
}
