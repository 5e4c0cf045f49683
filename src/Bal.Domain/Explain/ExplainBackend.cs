using Bal.Domain.Control;
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
            StatusReports.SinceOf(backend),
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
}
