using System.Net;
using Bal.Application;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.Probing;

/// <summary>
/// TCP probes: a connect that is ended by a FIN at once. No RST, since servers such as PostgreSQL log a reset connection
/// but stay silent on one that was closed before it said anything.
/// </summary>
internal sealed class Prober(Reactor reactor, Resolver resolver) : IProber
{
    public void Start(ControlEffect.StartProbe probe) => new Attempt(reactor, probe).TryNext(FailureKind.Other);

    public void Resolve(string name) => resolver.Start(name);

    private sealed class Attempt(Reactor reactor, ControlEffect.StartProbe probe)
    {
        private readonly Domain.Primitives.Instant deadline = reactor.Now.Plus(probe.Timeout);
        private int next;
        private int fd = -1;
        private ulong tag;
        private Reactor.Timer? timeout;

        /// <summary>Connects to the next address, or reports that the last one failed like this.</summary>
        public void TryNext(FailureKind failure)
        {
            while (next < probe.Addresses.Count)
            {
                // Each address gets an equal share of what is left, so that a silent one leaves time for the others.
                var share = new Duration(Math.Max(
                    1, deadline.Since(reactor.Now).Milliseconds / (probe.Addresses.Count - next)));
                fd = Sockets.BeginConnect(SockAddr.Of(probe.Addresses[next++], probe.Port), out var error);
                if (fd >= 0)
                {
                    tag = reactor.Watch(fd, Libc.EPOLLOUT, OnEvent);
                    timeout = reactor.After(share, () => Failed(FailureKind.Timeout));
                    return;
                }

                failure = ConnectErrors.KindOf(error);
            }

            reactor.Post(new ControlEvent.ProbeEnded(
                probe.Backend, Outcome.Failure(failure), Option<IPAddress>.None));
        }

        private void OnEvent(uint what)
        {
            if ((what & (Libc.EPOLLERR | Libc.EPOLLHUP)) != 0)
            {
                Failed(ConnectErrors.KindOf(Sockets.TakeError(fd)));
                return;
            }

            if (Sockets.IsConnectedToItself(fd, SockAddr.Of(probe.Addresses[next - 1], probe.Port)))
            {
                // Nobody listens there: what a refusal would have said.
                Failed(FailureKind.Refused);
                return;
            }

            End();
            reactor.Post(new ControlEvent.ProbeEnded(
                probe.Backend, Outcome.Success, probe.Addresses[next - 1]));
        }

        private void Failed(FailureKind kind)
        {
            End();
            TryNext(kind);
        }

        private void End()
        {
            timeout?.Cancel();
            reactor.Unwatch(fd, tag);
            _ = Libc.close(fd);
        }
    }
}
