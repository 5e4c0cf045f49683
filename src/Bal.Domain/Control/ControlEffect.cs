using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>Something that the core wants done. The shell does it and reports what came of it as an event.</summary>
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
    /// <param name="Port">The port.</param>
    /// <param name="Timeout">The bound of the whole probe.</param>
    public sealed record StartProbe(BackendId Backend, Arr<IPAddress> Addresses, int Port, Duration Timeout)
        : ControlEffect;

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
            Exit => exit(),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
