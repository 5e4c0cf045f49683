using Bal.Domain.Backend;
using Bal.Domain.Config;
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
    public static ControlStep Apply(ControlEvent.Reloaded reloaded, Instant now, ControlState before)
    {
        var config = reloaded.Config;
        var matched = ServiceMatching.Between(before.InOrder, config.Services);
        var cleared = before with
        {
            Config = config,
            ConfigVersion = before.ConfigVersion + 1,
            Refused = Option<RefusedReload>.None,
        };
        var changed = config.Services.Fold(new Placed(cleared, 0), (at, service) => new(
            matched.Find(service.Name).Match(
                old => Replace(
                    at.State.Services[old.Value], service, at.Next, reloaded.OtherSecrets, now, at.State),
                () => ServiceTransitions.AddService(service, at.Next, now, at.State)),
            at.Next + 1));
        var stays = matched.Values.Select(id => id.Value).ToHashSet();
        // In the order of their removal: of two that had one name the later one is the one that comes back.
        var after = before.InOrder.Filter(old => !stays.Contains(old.Id.Value)).OrderByDescending(old => old.Removed)
            .Fold(changed, (at, old) => new(Remove(old, at.Next, now, at.State), at.Next + 1))
            .State.Indexed();
        var lines = ReloadDiff.Describe(before.Config, config)
            .Append(SecretChanges.Told(reloaded.OtherSecrets, before).Map(change => change.ToText()));
        var changedTables = after.InOrder.Filter(service => before.Services.Find(service.Id.Value).Match(
            old => Publishing.TableOf(old) != Publishing.TableOf(service), () => true));
        var applied = new ControlStep(
            after, changedTables.Map<ControlEffect>(service => new ControlEffect.Publish(service.Id)))
            .Say(LogEvent.Info("reload", "reload_applied",
                lines.IsEmpty
                    ? "configuration applied: nothing changed" : $"configuration applied: {string.Join("; ", lines)}",
                LogField.Of("config_version", after.ConfigVersion),
                LogField.Of("changes", lines.Count)));
        return (applied with { Effects = applied.Effects.AddRange(ControlLines.Limited(config)) })
            .Then(OverrideTransitions.Keep(before));
    }

    public static ControlStep Refuse(Problem problem, Instant now, ControlState state) =>
        Nothing(state with { Refused = new RefusedReload(problem, now) })
            .Say(LogEvent.Failure("reload", "reload_refused", problem));

    private static ControlState Replace(
        ServiceState old, Service config, int place, Arr<BackendId> others, Instant now, ControlState state)
    {
        // One that drains and comes back is the same backend.
        var known = old.Backends.Values.OrderBy(b => b.Draining).DistinctBy(b => b.Endpoint)
            .ToDictionary(b => b.Endpoint);
        var fresh = state.NextBackendId;
        var backends = new List<BackendState>();
        foreach (var backend in config.Backends)
        {
            backends.Add(known.Remove(backend.Endpoint, out var kept)
                ? Kept(
                    SlowStarts.Retimed(config, Rechecked(old.Config, kept, config, backend, others, now), now),
                    old.Config.Tuning.Health, config.Tuning.Health, now)
                : ServiceTransitions.NewBackend(new BackendId(fresh++), backend, config, now));
        }

        var stays = backends.Select(b => b.Id).ToHashSet();
        var leaving = old.Backends.Values.Where(b => !stays.Contains(b.Id)).Select(b => Leaving(b, now));
        return (state with { NextBackendId = fresh }).With(old with
        {
            Place = place,
            Config = config,
            Removed = false,
            Backends = new(backends.Concat(leaving).Select((backend, i) => (i, backend))),
        });
    }

    private static ControlState Remove(ServiceState old, int place, Instant now, ControlState state) =>
        state.With(old with
        {
            Place = place,
            Removed = true,
            Backends = old.Backends.Map(backend => Leaving(backend, now)),
        });

    private static BackendState Leaving(BackendState backend, Instant now) => backend.Draining ? backend : backend with
    {
        Draining = true,
        // The file decides again. A drain that was to end in a reset still does.
        Override = Option<Override>.None,
        History = backend.History.Add(new BackendHappening.Removed(), now, 1),
    };

    private static BackendState Kept(BackendState backend, HealthPolicy before, HealthPolicy after, Instant now)
    {
        var kept = Rescheduled(LookedUpAgain(backend, now), before, after, now);
        return backend.Draining
            ? Returned(kept, now)
            : kept with { History = kept.History.Add(new BackendHappening.Kept(), now, 1) };
    }

    // Nobody has noticed the end of its cooldown while it drained.
    private static BackendState Returned(BackendState backend, Instant now)
    {
        var rested = backend.Cooldown.IsCooling(now) ? backend : BackendChronicle.CooledDown(backend);
        return rested with
        {
            Draining = false,
            ResetAt = Instant.Never,
            Probe = backend.Probe with { NextAt = now },
            History = rested.History.Add(new BackendHappening.Added(), now, 1),
        };
    }

    // Whoever has moved a name reloads to see it used; until the answer is there the old addresses are.
    private static BackendState LookedUpAgain(BackendState backend, Instant now) => backend with
    {
        Resolution = backend.Resolution with
        {
            NextAt = Instant.Min(backend.Resolution.NextAt, DueAgain(backend, now)),
        },
    };

    private static Instant DueAgain(BackendState backend, Instant now) =>
        backend.Endpoint.Host.Match(_ => Instant.Never, _ => now, _ => Instant.Never);

    // It stays up or down until the first answer of a check that alone decides, or no longer does.
    private static BackendState Rechecked(
        Service before, BackendState kept, Service after, BackendConfig config, Arr<BackendId> others, Instant now)
    {
        var (was, becomes) = (before.CheckOf(kept.Config), after.CheckOf(config));
        var changed = kept with { Config = config };
        return (was == becomes && !others.Contains(kept.Id)) || (!was.Decides && !becomes.Decides)
            ? changed
            : changed with
            {
                Health = HealthMachine.Anew(kept.Health),
                Probe = kept.Probe with { NextAt = now, IsStale = kept.Probe.InFlight },
            };
    }

    // A shorter interval takes effect now, not after the rest of the old one.
    private static BackendState Rescheduled(
        BackendState backend, HealthPolicy before, HealthPolicy after, Instant now) =>
        before.Interval == after.Interval
            ? backend
            : backend with
            {
                Probe = backend.Probe with { NextAt = Instant.Min(backend.Probe.NextAt, now.Plus(after.Interval)) },
            };

    private sealed record Placed(ControlState State, int Next);
}
