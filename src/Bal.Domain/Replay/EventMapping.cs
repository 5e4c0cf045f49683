using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Control;
using LanguageExt;

namespace Bal.Domain.Replay;

/// <summary>What another configuration is shown of something that was recorded.</summary>
/// <param name="Event">What it is told; none where it is left out.</param>
/// <param name="Evidence">What that rests on; none for what is no outcome, such as time that passes.</param>
internal sealed record MappedEvent(Option<ControlEvent> Event, Option<Evidence> Evidence)
{
    public static MappedEvent AsItIs(ControlEvent happened) => new(happened, Option<Evidence>.None);

    public static MappedEvent Shown(ControlEvent happened, Evidence evidence) => new(happened, evidence);

    public static MappedEvent LeftOut(Evidence evidence) => new(Option<ControlEvent>.None, evidence);
}

/// <summary>A backend with the service that it belongs to.</summary>
internal sealed record BackendOfService(ServiceState Service, BackendState Backend);

/// <summary>
/// From what happened to the recorded bal to what would have happened to one with another configuration. Identities
/// differ between the two, so backends are found by their endpoint.
/// </summary>
internal static class EventMapping
{
    // Identities are counted from 1: only the time that it comes at has a meaning.
    private static readonly ControlEvent OfNobody = new ControlEvent.ConnectsSucceeded(new BackendId(0), 1);

    public static MappedEvent Of(ControlEvent happened, ControlState recorded, ControlState other, bool sameMoment) =>
        happened.Match(
            tick: () => MappedEvent.AsItIs(happened),
            // A result that nobody waited for changed nothing.
            probeEnded: e => !Find(e.Backend, recorded).Exists(here => here.Backend.Probe.InFlight)
                ? MappedEvent.AsItIs(OfNobody)
                : Backend(e.Backend, recorded, other, (_, there) => !there.Backend.Probe.InFlight
                    ? MappedEvent.LeftOut(Evidence.ProbeNotAskedFor)
                    : MappedEvent.Shown(
                        e with { Backend = there.Backend.Id },
                        sameMoment ? Evidence.Observed : Evidence.ProbeAtAnotherTime)),
            resolved: _ => MappedEvent.AsItIs(happened),
            connectsFailed: e => Backend(e.Backend, recorded, other, (here, there) => MappedEvent.Shown(
                e with { Backend = there.Backend.Id }, OfClient(here.Service, there.Service))),
            connectsSucceeded: e => Backend(e.Backend, recorded, other, (here, there) => MappedEvent.Shown(
                e with { Backend = there.Backend.Id }, OfClient(here.Service, there.Service))),
            clientExhausted: e => Exhausted(e, recorded, other),
            clientsRefused: e => Refused(e, recorded, other),
            connectionsSilenced: e => Silenced(e, recorded, other),
            reportsLost: _ => MappedEvent.AsItIs(happened),
            // The end of a drain is not an outcome of anything that was tried.
            backendIdle: e => Find(e.Backend, recorded).Bind(here => Counterpart(here, other)).Match(
                Some: there => MappedEvent.AsItIs(new ControlEvent.BackendIdle(there.Backend.Id)),
                None: () => MappedEvent.AsItIs(OfNobody)),
            reloaded: _ => MappedEvent.LeftOut(Evidence.ReloadNotTaken),
            reloadRefused: _ => MappedEvent.AsItIs(happened),
            stopRequested: _ => MappedEvent.AsItIs(happened),
            allIdle: () => MappedEvent.AsItIs(happened),
            handedOver: _ => MappedEvent.AsItIs(happened),
            ordered: e => e.Order.Match(
                drain: o => Ordered(e, o.Backend, id => o with { Backend = id }, recorded, other),
                enable: o => Ordered(e, o.Backend, id => o with { Backend = id }, recorded, other),
                enableAll: () => MappedEvent.AsItIs(happened),
                weight: o => Ordered(e, o.Backend, id => o with { Backend = id }, recorded, other)),
            overridesRead: _ => MappedEvent.AsItIs(happened),
            overridesKept: _ => MappedEvent.AsItIs(happened));

    private static MappedEvent Ordered(
        ControlEvent.Ordered e, BackendId id, Func<BackendId, OperatorOrder> with, ControlState recorded,
        ControlState other) => Find(id, recorded).Bind(here => Counterpart(here, other)).Match(
            there => MappedEvent.AsItIs(e with { Order = with(there.Backend.Id) }),
            // An order is no outcome of anything that was tried.
            () => MappedEvent.AsItIs(OfNobody));

    /// <summary>The backend of that identity, in the service that has it.</summary>
    public static Option<BackendOfService> Find(BackendId id, ControlState state) => state.Index.Find(id).Map(home =>
        new BackendOfService(
            state.Services[home.Service.Value],
            state.Services[home.Service.Value].Backends[home.Place]));

    /// <summary>
    /// The same backend, by its service and address, in another state: the one in use before one that drains.
    /// </summary>
    public static Option<BackendOfService> Counterpart(BackendOfService here, ControlState other) =>
        Find(here.Backend.Id, other).Filter(there => Same(here, there)).Match(
            there => there,
            () => Service(here.Service, other).Bind(service => service.Backends.Values
                .Where(b => b.Endpoint == here.Backend.Endpoint)
                .OrderBy(b => b.Draining)
                .Select(b => new BackendOfService(service, b))
                .HeadOrNone()));

    private static bool Same(BackendOfService here, BackendOfService there) =>
        here.Service.Config.Name == there.Service.Config.Name && here.Backend.Endpoint == there.Backend.Endpoint;

    /// <summary>The service of the same identity, or else of the same name.</summary>
    private static Option<ServiceState> Service(ServiceState here, ControlState other) =>
        other.Services.Find(here.Id.Value).Filter(there => there.Config.Name == here.Config.Name)
            | other.ServiceNamed(here.Config.Name);

    private static MappedEvent Backend(
        BackendId id, ControlState recorded, ControlState other,
        Func<BackendOfService, BackendOfService, MappedEvent> map) => Find(id, recorded).Match(
        Some: here => Counterpart(here, other).Match(
            Some: there => map(here, there),
            None: () => MappedEvent.LeftOut(Evidence.BackendNotConfigured)),
        // Of a backend that is forgotten already: it changed nothing.
        None: () => MappedEvent.AsItIs(OfNobody));

    // A client goes where the table sends it: with equal tables it would have gone to the same backend.
    private static Evidence OfClient(ServiceState here, ServiceState there) =>
        !SameRoutes(Publishing.TableOf(here), Publishing.TableOf(there)) ? Evidence.ClientMightGoElsewhere
        : here.Config.Tuning.ConnectTimeout != there.Config.Tuning.ConnectTimeout ? Evidence.OtherConnectTimeout
        : Evidence.Observed;

    private static MappedEvent Exhausted(ControlEvent.ClientExhausted e, ControlState recorded, ControlState other) =>
        recorded.Services.Find(e.Service.Value).Match(
            here => Service(here, other).Match(
                there => there.Config.Endpoints.Exists(b => !here.Config.Endpoints.Contains(b))
                    ? MappedEvent.LeftOut(Evidence.AnotherBackendToTry)
                    : MappedEvent.Shown(e with { Service = there.Id }, OfClient(here, there)),
                () => MappedEvent.LeftOut(Evidence.BackendNotConfigured)),
            () => MappedEvent.AsItIs(e));

    private static MappedEvent Refused(ControlEvent.ClientsRefused e, ControlState recorded, ControlState other) =>
        recorded.Services.Find(e.Service.Value).Match(
            here => Service(here, other).Match(
                there => e.Reason == Refusal.Limit && here.Config.Tuning.MaxConcurrentConnections
                    != there.Config.Tuning.MaxConcurrentConnections
                        ? MappedEvent.LeftOut(Evidence.OtherLimit)
                        : MappedEvent.Shown(e with { Service = there.Id }, Evidence.Observed),
                () => MappedEvent.LeftOut(Evidence.BackendNotConfigured)),
            () => MappedEvent.AsItIs(e));

    private static MappedEvent Silenced(
        ControlEvent.ConnectionsSilenced e, ControlState recorded, ControlState other) =>
        recorded.Services.Find(e.Service.Value).Match(
            here => Service(here, other).Match(
                there => MappedEvent.Shown(e with { Service = there.Id }, Evidence.Observed),
                () => MappedEvent.LeftOut(Evidence.BackendNotConfigured)),
            () => MappedEvent.AsItIs(e));

    private static bool SameRoutes(RoutingTable a, RoutingTable b) =>
        a.Service.Method == b.Service.Method
        && a.Protection == b.Protection && Same(a.Up, b.Up) && Same(a.Cooling, b.Cooling) && Same(a.Down, b.Down)
        && Same(a.BackupsDown, b.BackupsDown);

    private static bool Same(Arr<Route> a, Arr<Route> b) =>
        a.Count == b.Count && a.Map(r => r.Config).SequenceEqual(b.Map(r => r.Config));
}
