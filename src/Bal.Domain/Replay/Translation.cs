using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Control;
using LanguageExt;

namespace Bal.Domain.Replay;

/// <summary>What another configuration is shown of something that was recorded.</summary>
/// <param name="Event">What it is told; none where it is left out.</param>
/// <param name="Evidence">What that rests on; none for what is no outcome, such as time that passes.</param>
internal sealed record Translated(Option<ControlEvent> Event, Option<Evidence> Evidence)
{
    public static Translated AsItIs(ControlEvent happened) => new(happened, Option<Evidence>.None);

    public static Translated Shown(ControlEvent happened, Evidence evidence) => new(happened, evidence);

    public static Translated LeftOut(Evidence evidence) => new(Option<ControlEvent>.None, evidence);
}

/// <summary>A backend with the service that it belongs to.</summary>
internal sealed record Placed(ServiceState Service, BackendState Backend);

/// <summary>
/// From what happened to the recorded bal to what would have happened to one with another configuration. Identities
/// differ between the two, so backends are found by their endpoint.
/// </summary>
internal static class Translation
{
    // Identities are counted from 1: only the time that it comes at has a meaning.
    private static readonly ControlEvent OfNobody = new ControlEvent.ConnectsSucceeded(new BackendId(0), 1);

    public static Translated Of(ControlEvent happened, ControlState recorded, ControlState other, bool sameMoment) =>
        happened.Match(
            tick: () => Translated.AsItIs(happened),
            // A result that nobody waited for changed nothing.
            probeEnded: e => !Find(e.Backend, recorded).Exists(here => here.Backend.Probe.InFlight)
                ? Translated.AsItIs(OfNobody)
                : Backend(e.Backend, recorded, other, (_, there) => !there.Backend.Probe.InFlight
                    ? Translated.LeftOut(Evidence.ProbeNotAskedFor)
                    : Translated.Shown(
                        e with { Backend = there.Backend.Id },
                        sameMoment ? Evidence.Observed : Evidence.ProbeAtAnotherTime)),
            resolved: _ => Translated.AsItIs(happened),
            connectsFailed: e => Backend(e.Backend, recorded, other, (here, there) => Translated.Shown(
                e with { Backend = there.Backend.Id }, OfClient(here.Service, there.Service))),
            connectsSucceeded: e => Backend(e.Backend, recorded, other, (here, there) => Translated.Shown(
                e with { Backend = there.Backend.Id }, OfClient(here.Service, there.Service))),
            clientExhausted: e => Exhausted(e, recorded, other),
            clientsRejected: _ => recorded.Config.Main.Tuning.MaxConcurrentConnections
                == other.Config.Main.Tuning.MaxConcurrentConnections
                    ? Translated.Shown(happened, Evidence.Observed)
                    : Translated.LeftOut(Evidence.OtherLimit),
            descriptorsExhausted: _ => Translated.AsItIs(happened),
            reportsLost: _ => Translated.AsItIs(happened),
            // That a drain is over is no outcome of anything that was tried.
            backendIdle: e => Find(e.Backend, recorded).Bind(here => Counterpart(here, other)).Match(
                Some: there => Translated.AsItIs(new ControlEvent.BackendIdle(there.Backend.Id)),
                None: () => Translated.AsItIs(OfNobody)),
            reloaded: _ => Translated.LeftOut(Evidence.ReloadNotTaken),
            reloadRefused: _ => Translated.AsItIs(happened),
            stopRequested: () => Translated.AsItIs(happened),
            allIdle: () => Translated.AsItIs(happened),
            handedOver: _ => Translated.AsItIs(happened));

    /// <summary>The backend of an identity.</summary>
    public static Option<Placed> Find(BackendId id, ControlState state)
    {
        foreach (var service in state.Services)
            foreach (var backend in service.Backends)
                if (backend.Id == id)
                    return new Placed(service, backend);
        return Option<Placed>.None;
    }

    /// <summary>The same endpoint of the same service; the very same backend where there is a choice.</summary>
    public static Option<Placed> Counterpart(Placed here, ControlState other)
    {
        var best = Option<Placed>.None;
        foreach (var service in other.Services)
        {
            foreach (var backend in service.Backends)
            {
                if (service.Config.Name != here.Service.Config.Name || backend.Endpoint != here.Backend.Endpoint)
                    continue;
                if (backend.Id == here.Backend.Id)
                    return new Placed(service, backend);
                if (best.IsNone || !backend.Draining)
                    best = new Placed(service, backend);
            }
        }

        return best;
    }

    private static Translated Backend(
        BackendId id, ControlState recorded, ControlState other,
        Func<Placed, Placed, Translated> translate) => Find(id, recorded).Match(
        Some: here => Counterpart(here, other).Match(
            Some: there => translate(here, there),
            None: () => Translated.LeftOut(Evidence.BackendNotConfigured)),
        // Of a backend that is forgotten already: it changed nothing.
        None: () => Translated.AsItIs(OfNobody));

    // A client goes where the table sends it: with equal tables it would have gone to the same backend.
    private static Evidence OfClient(ServiceState here, ServiceState there) =>
        !SameRoutes(here.Table, there.Table) ? Evidence.ClientMightGoElsewhere
        : here.Config.Tuning.ConnectTimeout != there.Config.Tuning.ConnectTimeout ? Evidence.OtherConnectTimeout
        : Evidence.Observed;

    private static Translated Exhausted(ControlEvent.ClientExhausted e, ControlState recorded, ControlState other)
    {
        var here = recorded.Services.Find(s => s.Config.Name == e.Service);
        var there = other.Services.Find(s => s.Config.Name == e.Service);
        return here.Match(
            Some: h => there.Match(
                Some: t => t.Config.Backends.Exists(b => !h.Config.Backends.Contains(b))
                    ? Translated.LeftOut(Evidence.AnotherBackendToTry)
                    : Translated.Shown(e, OfClient(h, t)),
                None: () => Translated.LeftOut(Evidence.BackendNotConfigured)),
            None: () => Translated.AsItIs(e));
    }

    private static bool SameRoutes(RoutingTable a, RoutingTable b) =>
        a.Protection == b.Protection && Same(a.Up, b.Up) && Same(a.Cooling, b.Cooling) && Same(a.Down, b.Down);

    private static bool Same(Arr<Route> a, Arr<Route> b) =>
        a.Count == b.Count && a.Map(r => r.Endpoint).SequenceEqual(b.Map(r => r.Endpoint));
}
