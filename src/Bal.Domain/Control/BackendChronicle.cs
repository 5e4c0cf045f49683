using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>Connects to a backend that showed the same.</summary>
/// <param name="Outcome">What they showed.</param>
/// <param name="Witness">Whose they were.</param>
/// <param name="Count">How many, above zero.</param>
internal sealed record ConnectResult(Outcome Outcome, Witness Witness, int Count);

/// <summary>
/// What transitions write into the history of a backend; nothing that is written here decides anything.
/// </summary>
internal static class BackendChronicle
{
    /// <summary>The history of <paramref name="after"/>, which is still that of <paramref name="before"/>.</summary>
    public static BackendHistory After(
        Service service, BackendState before, BackendState after, HealthStep health, ConnectResult result,
        bool protection, Instant now)
    {
        var (tuning, decides) = (service.Tuning, service.CheckOf(after.Config).Decides);
        var history = result.Outcome.Match(
            passed: () => after.Health == before.Health && after.Cooldown == before.Cooldown
                && after.Probe.NotMade == before.Probe.NotMade
                ? before.History
                : before.History.Add(new BackendHappening.Passed(result.Witness), now, result.Count),
            failed: kind => before.History.Add(new BackendHappening.Failed(result.Witness, kind), now, result.Count));
        history = health.Change switch
        {
            HealthChange.WentDown => WentDown(tuning.Health, after.Health, decides, now, history),
            HealthChange.CameUp => CameUp(now, history),
            _ => history,
        };
        return Cooling(before, after, now, history) with { Cooling = CauseOf(tuning, before, after, protection, now) };
    }

    /// <summary>A backend whose cooldown is over because its time has come.</summary>
    public static BackendState CooledDown(BackendState backend) => backend with
    {
        Cools = false,
        History = backend.Tier == Tier.Cooling
            ? backend.History.Add(new BackendHappening.CoolingEnded(), backend.Cooldown.Until, 1)
            : backend.History,
    };

    private static BackendHistory WentDown(
        HealthPolicy policy, Health health, bool decides, Instant now, BackendHistory history) =>
        history.Add(new BackendHappening.WentDown(), now, 1) with
        {
            LastOutage = new Outage(
                now, health.Failures, policy.FailThreshold, history.FailuresInARow(decides), Option<Instant>.None),
        };

    private static BackendHistory CameUp(Instant now, BackendHistory history) =>
        history.Add(new BackendHappening.CameUp(), now, 1) with
        {
            LastOutage = history.LastOutage.Map(outage => outage with { Until = now }),
        };

    // Only a backend that is up otherwise is said to cool: one that is down is not offered first anyway.
    private static BackendHistory Cooling(
        BackendState before, BackendState after, Instant now, BackendHistory history) =>
        (before.Tier, after.Tier) switch
        {
            (not Tier.Cooling, Tier.Cooling) => history.Add(new BackendHappening.CoolingBegan(), now, 1),
            (Tier.Cooling, Tier.Up) => history.Add(new BackendHappening.CoolingEnded(), now, 1),
            _ => history,
        };

    private static Option<CoolingCause> CauseOf(
        Tuning tuning, BackendState before, BackendState after, bool protection, Instant now) =>
        after.Cooldown == Cooldown.None
            ? Option<CoolingCause>.None
            : after.Cooldown.Until == before.Cooldown.Until
                ? before.History.Cooling
                : new CoolingCause(now, after.Cooldown.Streak, tuning.Backoff, protection);
}
