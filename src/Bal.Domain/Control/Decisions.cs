using Bal.Domain.Backend;
using Bal.Domain.History;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>How transitions are put together: each takes the state of the one before and adds its effects.</summary>
internal static class Decisions
{
    /// <summary>
    /// No effect. Who changes, adds or removes backends otherwise than by <see cref="OnBackend"/> says so.
    /// </summary>
    public static ControlStep Nothing(ControlState state) =>
        new(state, Arr<ControlEffect>.Empty) { Touched = Touched.Nothing };

    public static ControlStep Then(this ControlStep step, Func<ControlState, ControlStep> next)
    {
        var after = next(step.State);
        return after with
        {
            Effects = after.Effects.IsEmpty ? step.Effects : step.Effects.AddRange(after.Effects),
            Touched = Touched.Both(step.Touched, after.Touched),
        };
    }

    public static ControlStep And(this ControlStep step, ControlEffect effect) =>
        step with { Effects = step.Effects.Add(effect) };

    public static ControlStep Say(this ControlStep step, LogEvent line) => step.And(new ControlEffect.Log(line));

    /// <summary>Replaces a service; its backends are those that it had.</summary>
    public static ControlState With(this ControlState state, ServiceState service) =>
        state with { Services = state.Services.SetItem(service.Id.Value, service) };

    /// <summary>Replaces a backend where it is.</summary>
    public static ControlState With(this ControlState state, ServiceState service, Home home, BackendState backend)
    {
        var before = service.Backends[home.Place];
        return state with
        {
            Services = state.Services.SetItem(
                service.Id.Value, service with { Backends = service.Backends.SetItem(home.Place, backend) }),
            Index = state.Index.Changed(service, before, backend, state.Phase.IsHandedOver),
        };
    }

    /// <summary>The same state with the index of what it holds: after services or many backends have changed.</summary>
    public static ControlState Indexed(this ControlState state) => state with
    {
        Index = StateIndex.Of(state.Services.Values, state.Phase.IsHandedOver),
    };

    /// <summary>
    /// Applies <paramref name="change"/> to the backend of that identity. An event about a backend that is already
    /// forgotten (a report can cross its removal) changes nothing.
    /// </summary>
    public static ControlStep OnBackend(
        this ControlState state, BackendId id, Func<ServiceState, BackendState, ServiceStep> change) =>
        state.Index.Find(id).Match(
            home =>
            {
                var service = state.Services[home.Service.Value];
                var before = service.Backends[home.Place];
                var after = change(service, before);
                var changed = service with { Protection = after.Protection, History = after.ProtectionHistory };
                var step = new ControlStep(state.With(changed, home, after.Backend), after.Effects)
                {
                    Touched = new(Prelude.Array(home)),
                };
                var primaries = state.Index.PrimariesOf(service.Id);
                var backups = BackupRule.After(service, primaries, before, after.Backend);
                var told = Publishing.LooksDifferent(service, before, changed, after.Backend, backups, primaries == 0)
                    ? step.And(new ControlEffect.Publish(service.Id))
                    : step;
                // After the table: whoever loses a connection comes again, and must not find the old one.
                var endings = Endings.Of(service, before, after.Backend, backups);
                return endings.IsEmpty ? told : told with { Effects = told.Effects.AddRange(endings) };
            },
            () => Nothing(state));

    /// <summary>Applies <paramref name="change"/> to the service of that identity, unless it is forgotten.</summary>
    public static ControlStep OnService(
        this ControlState state, ServiceId id, Func<ServiceState, ControlStep> change) =>
        state.Services.Find(id.Value).Match(
            service => change(service) with { Touched = new(Prelude.Array(new Home(id, -1))) },
            () => Nothing(state));
}

/// <summary>What a change of one backend makes of it and of its service's protection mode.</summary>
internal sealed record ServiceStep(
    BackendState Backend,
    Protection.ProtectionState Protection,
    ProtectionHistory ProtectionHistory,
    Arr<ControlEffect> Effects)
{
    /// <summary>A step that leaves protection mode as it is.</summary>
    public static ServiceStep Of(BackendState backend, ServiceState service, params ControlEffect[] effects) =>
        new(backend, service.Protection, service.History, new Arr<ControlEffect>(effects));
}
