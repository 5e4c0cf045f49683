using Bal.Domain.Messages;

namespace Bal.Domain.Doctor;

/// <summary>Whether decisions can be recorded as configured; a fault costs the record, never a client.</summary>
internal static class DecisionLogCheck
{
    private const string Name = CheckName.DecisionLog;

    /// <summary>The check of one file.</summary>
    public static DoctorCheck Of(DecisionLogFact log) => log.State switch
    {
        DecisionLogState.NoDirectory => Fault(log, "its directory does not exist",
            "decision_log is mistyped, or the directory was removed",
            "make the directory, or name another file as decision_log"),
        DecisionLogState.NotWritable => Fault(log, "this user may not write it",
            "it belongs to another user, or its directory does",
            "name a file that the user of bal may write as decision_log"),
        DecisionLogState.NotRegular => Fault(log, "it is not a regular file",
            "decision_log names a directory, a link, a device or a pipe",
            "name a file as decision_log"),
        DecisionLogState.Foreign => Fault(log, "it contains something other than decisions",
            "decision_log names a file that has another purpose",
            "name another file as decision_log"),
        DecisionLogState.Own => Fault(log, "bal itself writes this file",
            "decision_log names the PID file, the control socket or the log",
            "name another file as decision_log"),
        _ when log.IsElsewhereAsRoot => DoctorCheck.OkWithNote(Name, $"decisions can be recorded in {log.Path}",
            "bal runs as root and writes this file outside of the directory of the configuration; name one beside it"),
        _ => DoctorCheck.Ok(Name, $"decisions can be recorded in {log.Path}"),
    };

    private static DoctorCheck Fault(DecisionLogFact log, string what, string why, string now) =>
        DoctorCheck.Warn(Name, new Problem(
            "decision_log_unusable", $"decisions cannot be recorded in {log.Path}: {what}", why, now));
}
