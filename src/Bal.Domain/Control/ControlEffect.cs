using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Relay;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>Something that the core wants done. The shell does it and reports the outcome as an event.</summary>
public abstract record ControlEffect
{
    private ControlEffect() { }

    /// <summary>
    /// What the event loops know of a service has changed: give them <see cref="Publishing.TableOf"/> of its state, at
    /// the latest before anything but a probe, a lookup or a line in the log is done for a later effect.
    /// </summary>
    /// <param name="Service">Which.</param>
    public sealed record Publish(ServiceId Service) : ControlEffect;

    /// <summary>Probe a backend; exactly one <see cref="ControlEvent.ProbeEnded"/> must follow.</summary>
    /// <param name="Backend">Whom.</param>
    /// <param name="Addresses">The addresses to try in order; one that connects is enough.</param>
    /// <param name="Port">The port; 0 for a Unix socket.</param>
    /// <param name="Timeout">The bound of the whole probe.</param>
    public sealed record StartProbe(BackendId Backend, Arr<IPAddress> Addresses, int Port, Duration Timeout)
        : ControlEffect
    {
        /// <summary>What is done.</summary>
        public HealthCheck Check { get; init; } = HealthCheck.Default;

        /// <summary>
        /// The PROXY header that a check begins with of which the backend takes notice: one that speaks for nobody.
        /// </summary>
        public ProxyVersion Header { get; init; } = ProxyVersion.None;

        /// <summary>The addresses to connect from (<see cref="Config.Service.SourceAddresses"/>).</summary>
        public Arr<IPAddress> Sources { get; init; } = Arr<IPAddress>.Empty;

        /// <summary>The path of the Unix socket that is tried in place of any address.</summary>
        public Option<string> Unix { get; init; }
    }

    /// <summary>Resolve a name; exactly one <see cref="ControlEvent.Resolved"/> must follow.</summary>
    /// <param name="Name">The name.</param>
    public sealed record Resolve(string Name) : ControlEffect;

    /// <summary>Write a line to the log.</summary>
    /// <param name="Line">The line.</param>
    public sealed record Log(LogEvent Line) : ControlEffect;

    /// <summary>The last trace of a removed backend is gone; its counters may be freed.</summary>
    /// <param name="Backend">Whose.</param>
    public sealed record Forget(BackendId Backend) : ControlEffect;

    /// <summary>The last backend of a removed service is gone, and nothing of the service is left.</summary>
    /// <param name="Service">Which.</param>
    public sealed record ForgetService(ServiceId Service) : ControlEffect;

    /// <summary>Accept what waits in the listeners' queues, then close them; where another process serves the same
    /// listeners, its queues are left to it. <see cref="ControlEvent.AllIdle"/> must follow as soon as no connection is
    /// open.</summary>
    public sealed record StopAccepting : ControlEffect;

    /// <summary>End one of every <paramref name="OneOf"/> open connections now; how many that are is for
    /// <see cref="CutShares"/> to say.</summary>
    /// <param name="OneOf">1 ends all.</param>
    public sealed record Cut(int OneOf) : ControlEffect;

    /// <summary>
    /// End the open connections of a backend now, with an RST to both sides. A client that is still being connected to
    /// it goes on to its next candidate, as if that one had failed, so that no connect that began before turns up as a
    /// connection afterwards. Who was sent there by the present table, as a last resort, stays.
    /// </summary>
    /// <param name="Backend">Whose.</param>
    /// <param name="Reason">What they are counted under.</param>
    public sealed record Reset(BackendId Backend, TerminationReason Reason) : ControlEffect;

    /// <summary>
    /// Write what operators have ordered to where it outlives the process; a
    /// <see cref="ControlEvent.OverridesKept"/> must follow for this change or a later one.
    /// </summary>
    /// <param name="Change">The change with which the state came to be as it is.</param>
    public sealed record KeepOverrides(long Change) : ControlEffect;

    /// <summary>End the process.</summary>
    public sealed record Exit : ControlEffect;

    /// <summary>Applies the function of the case that this effect is.</summary>
    public T Match<T>(
        Func<Publish, T> publish,
        Func<StartProbe, T> startProbe,
        Func<Resolve, T> resolve,
        Func<Log, T> log,
        Func<Forget, T> forget,
        Func<ForgetService, T> forgetService,
        Func<T> stopAccepting,
        Func<Cut, T> cut,
        Func<Reset, T> reset,
        Func<KeepOverrides, T> keepOverrides,
        Func<T> exit) => this switch
        {
            Publish e => publish(e),
            StartProbe e => startProbe(e),
            Resolve e => resolve(e),
            Log e => log(e),
            Forget e => forget(e),
            ForgetService e => forgetService(e),
            StopAccepting => stopAccepting(),
            Cut e => cut(e),
            Reset e => reset(e),
            KeepOverrides e => keepOverrides(e),
            Exit => exit(),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
