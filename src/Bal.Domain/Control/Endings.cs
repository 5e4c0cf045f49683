using Bal.Domain.Config;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>
/// What the change of one backend means for connections that are open already. A reload ends none, whatever it changes:
/// it keeps every established connection.
/// </summary>
internal static class Endings
{
    private const int MostNames = 5;

    /// <summary>The ends of connections, and what the log says of it and of the use of backups.</summary>
    /// <param name="service">The service, with the backend as it was.</param>
    /// <param name="before">The backend as it was.</param>
    /// <param name="after">The backend as it is.</param>
    /// <param name="change">What that means for the backups.</param>
    public static Arr<ControlEffect> Of(
        ServiceState service, BackendState before, BackendState after, BackupChange change)
    {
        var effects = before.Health.Up && !after.Health.Up && !after.Draining
            && service.Config.OnBackendDown == OpenConnections.Reset
            ? Prelude.Array(
                Said(WentDown(service.Config, after)),
                new ControlEffect.Reset(after.Id, TerminationReason.BackendDown))
            : Arr<ControlEffect>.Empty;
        if (change == BackupChange.None)
            return effects;
        var backups = new Arr<BackendState>(service.Backends.Values.Where(b => BackupRule.IsBackup(service, b)));
        effects = effects.Add(Said(change == BackupChange.Begins
            ? Begins(service.Config, backups)
            : Ends(service.Config, after, backups)));
        return change == BackupChange.Ends && service.Config.OnPrimaryUp == OpenConnections.Reset
            ? effects.Append(backups.Map(backup =>
                (ControlEffect)new ControlEffect.Reset(backup.Id, TerminationReason.PrimaryUp)))
            : effects;
    }

    private static ControlEffect Said(LogEvent line) => new ControlEffect.Log(line);

    private static LogEvent WentDown(Service service, BackendState backend) => LogEvent.Warn(
        "health", "connections_reset",
        $"open connections of backend {ControlLines.Named(service, backend)} are reset: it is down "
            + "(on_backend_down: reset)",
        LogField.Of("service", service.Name),
        LogField.Of("backend", backend.Endpoint.ToString()),
        LogField.Of("reason", Word(TerminationReason.BackendDown)));

    private static LogEvent Begins(Service service, Arr<BackendState> backups) => LogEvent.Warn(
        "health", "backups_in_use",
        $"no primary{ControlLines.In(service)} is left, each is down, drained or of weight 0: new clients go to "
            + Names(backups),
        LogField.Of("service", service.Name),
        LogField.Of("backups", backups.Count));

    private static LogEvent Ends(Service service, BackendState primary, Arr<BackendState> backups)
    {
        var reset = service.OnPrimaryUp == OpenConnections.Reset;
        return LogEvent.Info(
            "health", "backups_not_in_use",
            $"primary {ControlLines.Named(service, primary)} serves again: no new client goes to {Names(backups)}"
                + (reset ? ", and open connections there are reset (on_primary_up: reset)" : ""),
            LogField.Of("service", service.Name),
            LogField.Of("backend", primary.Endpoint.ToString()),
            LogField.Of("backups", backups.Count),
            LogField.Of("reason", reset ? Word(TerminationReason.PrimaryUp) : Words.Of(OpenConnections.Keep)));
    }

    private static string Names(Arr<BackendState> backups) =>
        $"{Plural.Of(backups.Count, "backup")} ({string.Join(", ", backups.Take(MostNames).Select(b => b.Endpoint))}"
        + $"{(backups.Count > MostNames ? ", ..." : "")})";

    private static string Word(TerminationReason reason) => ServiceCounters.Of(reason).Word;
}
