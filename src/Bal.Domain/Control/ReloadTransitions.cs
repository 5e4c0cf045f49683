using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Doctor;
using Bal.Domain.History;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Reload;
using LanguageExt;
using static Bal.Domain.Control.Decisions;

namespace Bal.Domain.Control;

/// <summary>A reload keeps everything known about what stays, and drains what goes.</summary>
internal static class ReloadTransitions
{
    public static ControlStep Apply(BalConfig config, Instant now, ControlState before)
    {
        // Services are matched by name; for now there is always the one called "default".
        var cleared = before with
        {
            Config = config,
            ConfigVersion = before.ConfigVersion + 1,
            Services = Arr<ServiceState>.Empty,
            Refused = Option<RefusedReload>.None,
        };
        var after = config.Services.Fold(cleared, (state, service) => before.Services
            .Find(s => s.Config.Name == service.Name)
            .Match(
                old => Replace(old, service, now, state),
                () => ServiceTransitions.AddService(service, now, state)));
        var lines = ReloadDiff.Describe(before.Config, config);
        return Nothing(after).Say(LogEvent.Info("reload", "reload_applied",
            lines.IsEmpty ? "configuration applied: nothing changed" : $"configuration applied: {string.Join("; ", lines)}",
            LogField.Of("config_version", after.ConfigVersion),
            LogField.Of("changes", lines.Count)));
    }

    public static ControlStep Refuse(Problem problem, Instant now, ControlState state) =>
        Nothing(state with { Refused = new RefusedReload(problem, now) }).Say(LogEvent.Failure("reload", "reload_refused", problem));

    private static ControlState Replace(ServiceState old, Service config, Instant now, ControlState state)
    {
        var known = old.Backends.Filter(b => !b.Draining);
        var fresh = state.NextBackendId;
        var backends = new List<BackendState>();
        foreach (var backend in config.Backends)
        {
            backends.Add(known.Find(b => b.Endpoint == backend.Endpoint).Match(
                Some: kept => Remembering(
                    Rescheduled(LookedUpAgain(kept with { Config = backend }, now), old.Config.Tuning.Health, config.Tuning.Health, now), now),
                None: () => ServiceTransitions.NewBackend(new BackendId(fresh++), backend, config.Tuning.Health, now)));
        }

        var kept = config.Endpoints.ToHashSet();
        var leaving = old.Backends.Filter(b => b.Draining || !kept.Contains(b.Endpoint)).Map(b => b with
        {
            Draining = true,
            // Its probe, if one is in flight, has nobody to report to.
            Probe = b.Probe with { InFlight = false },
            History = b.Draining ? b.History : b.History.Add(new BackendHappening.Removed(), now, 1),
        });
        return state with
        {
            NextBackendId = fresh,
            Services = state.Services.Add(old with
            {
                Config = config,
                Backends = new Arr<BackendState>(backends).AddRange(leaving),
            }),
        };
    }

    // Whoever has moved a name reloads to see it used; until the answer is there the old addresses are.
    private static BackendState LookedUpAgain(BackendState backend, Instant now) => backend with
    {
        Resolution = backend.Resolution with { NextAt = Instant.Min(backend.Resolution.NextAt, DueAgain(backend, now)) },
    };

    private static Instant DueAgain(BackendState backend, Instant now) =>
        backend.Endpoint.Host.Match(_ => Instant.Never, _ => now);

    // A shorter interval takes effect now, not after the rest of the old one.
    private static BackendState Rescheduled(
        BackendState backend, HealthPolicy before, HealthPolicy after, Instant now) =>
        before.Interval == after.Interval
            ? backend
            : backend with
            {
                Probe = backend.Probe with { NextAt = Instant.Min(backend.Probe.NextAt, now.Plus(after.Interval)) },
            };

    private static BackendState Remembering(BackendState kept, Instant now) =>
        kept with { History = kept.History.Add(new BackendHappening.Kept(), now, 1) };
}
