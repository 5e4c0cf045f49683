using Bal.Domain.Backend;
using Bal.Domain.History;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>How transitions are put together: each takes the state of the one before and adds its effects.</summary>
internal static class Decisions
{
    public static ControlStep Nothing(ControlState state) => new(state, Arr<ControlEffect>.Empty);

    public static ControlStep Then(this ControlStep step, Func<ControlState, ControlStep> next)
    {
        var after = next(step.State);
        return after.Effects.IsEmpty
            ? after with { Effects = step.Effects }
            : after with { Effects = step.Effects.AddRange(after.Effects) };
    }

    public static ControlStep And(this ControlStep step, ControlEffect effect) =>
        step with { Effects = step.Effects.Add(effect) };

    public static ControlStep Say(this ControlStep step, LogEvent line) => step.And(new ControlEffect.Log(line));

    /// <summary>Replaces one service.</summary>
    public static ControlState With(this ControlState state, int index, ServiceState service) =>
        state with { Services = state.Services.SetItem(index, service) };

    /// <summary>
    /// Applies <paramref name="change"/> to the backend of that identity. An event about a backend that is already
    /// forgotten (a report can cross its removal) changes nothing.
    /// </summary>
    public static ControlStep OnBackend(
        this ControlState state, BackendId id, Func<ServiceState, BackendState, ServiceStep> change)
    {
        for (var s = 0; s < state.Services.Count; s++)
        {
            var service = state.Services[s];
            for (var b = 0; b < service.Backends.Count; b++)
            {
                if (service.Backends[b].Id == id)
                {
                    var after = change(service, service.Backends[b]);
                    var backends = service.Backends.SetItem(b, after.Backend);
                    return new ControlStep(
                        state.With(s, service with
                        {
                            Backends = backends,
                            Protection = after.Protection,
                            History = after.ProtectionHistory,
                        }),
                        after.Effects);
                }
            }
        }

        return Nothing(state);
    }
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
