using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using LanguageExt;
using static Bal.Domain.Control.Decisions;

namespace Bal.Domain.Control;

/// <summary>A backend that comes back gets its share little by little.</summary>
internal static class SlowStarts
{
    /// <summary>
    /// How far a backend is after a result: one that was down and is up begins, whether it was up before or not; a new
    /// one that is up from the first is not one that comes back.
    /// </summary>
    public static Option<SlowStart> After(Service service, BackendState before, HealthChange change, Instant now) =>
        change switch
        {
            HealthChange.CameUp => SlowStart.Begin(service.SlowStart, now),
            HealthChange.WentDown => Option<SlowStart>.None,
            _ => before.SlowStart,
        };

    /// <summary>A backend under a configuration that may want another time, or none.</summary>
    public static BackendState Retimed(Service service, BackendState backend, Instant now) =>
        backend.SlowStart.IsNone
            ? backend
            : backend with { SlowStart = backend.SlowStart.Bind(start => start.Within(service.SlowStart, now)) };

    /// <summary>
    /// Gives everyone who is due more of the share, and publishes each service once: many may step at the same moment.
    /// </summary>
    public static ControlStep Advance(Instant now, ControlState state)
    {
        var due = state.Index.SlowStartsDue(now);
        if (due.IsEmpty)
            return Nothing(state);
        var homes = due.Choose(state.Index.Find).ToArr();
        var after = homes.Fold(state, (s, home) =>
        {
            var service = s.Services[home.Service.Value];
            var backend = service.Backends[home.Place];
            return s.With(
                service, home, backend with { SlowStart = backend.SlowStart.Bind(start => start.At(now)) });
        });
        return new(
            after,
            new(homes.Select(home => home.Service).Distinct()
                .Select(service => (ControlEffect)new ControlEffect.Publish(service))))
        {
            Touched = new(homes),
        };
    }
}
