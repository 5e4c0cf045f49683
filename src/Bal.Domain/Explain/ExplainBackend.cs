using Bal.Domain.Control;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Domain.Explain;

/// <summary>Explains backends out of the state alone: nothing is probed for it.</summary>
public static class ExplainBackend
{
    /// <summary>Why <paramref name="backend"/>, which is one of <paramref name="state"/>, is as it is.</summary>
    public static BackendExplanation Of(BackendState backend, long connections, Instant now, ControlState state)
    {
        var home = state.Index.Find(backend.Id).IfNone(() => throw new System.Diagnostics.UnreachableException());
        var service = state.Services[home.Service.Value];
        var word = StatusReports.StateOf(backend);
        var check = service.Config.CheckOf(backend.Config);
        var lookup = ResolutionTransitions.NextLookupOf(backend, state);
        return new(
            backend.Draining ? 0 : home.Place + 1,
            backend.Endpoint.ToString(),
            word,
            SinceOf(word, backend),
            HealthExplanation.Of(service.Config.Tuning.Health, check.Decides, backend),
            backend.Draining ? Option<CooldownExplanation>.None : CooldownExplanation.Of(now, backend),
            CheckExplanation.Of(backend, check, state.Phase, lookup, now),
            NameExplanation.Of(backend, lookup),
            connections,
            backend.History.Recent)
        {
            Backup = backend.Config.Backup,
            BackupsAreUsed = backend.Config.Backup && BackupRule.Allows(service),
            Weight = backend.Weight,
            SlowStart = backend.SlowStart.Filter(_ => !backend.Draining),
            ConfiguredWeight = backend.Config.Weight,
            Override = backend.Override,
            ResetIn = backend.ResetAt == Instant.Never ? Option<Duration>.None : backend.ResetAt.Since(now),
            IsDown = !StatusReports.IsReachable(backend),
            MaxConnections = backend.Draining ? Option<int>.None : backend.Config.MaxConnections,
        };
    }

    private static Option<Instant> SinceOf(string state, BackendState backend) =>
        SinceOf(state, backend.Health.Up, backend.History);

    // One that is down in good health has no address yet.
    private static Option<Instant> SinceOf(string state, bool isWell, BackendHistory history) => state switch
    {
        BackendReport.Draining => Last(history, what => what is BackendHappening.Removed),
        BackendReport.Down when !isWell => history.LastOutage.Map(outage => outage.Since),
        BackendReport.Cooling => Last(history, what => what is BackendHappening.CoolingBegan),
        _ => Last(history, what => what is BackendHappening.CoolingEnded or BackendHappening.CameUp
            or BackendHappening.Added) | history.LastOutage.Bind(outage => outage.Until),
    };

    private static Option<Instant> Last(BackendHistory history, Func<BackendHappening, bool> isIt)
    {
        var found = history.Recent.Filter(entry => isIt(entry.What));
        return found.IsEmpty ? Option<Instant>.None : found.Map(entry => entry.Last).Reduce(Instant.Max);
    }
}
