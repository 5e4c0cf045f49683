using Bal.Domain.Messages;

namespace Bal.Domain.Doctor;

/// <summary>Whether connections can be logged as configured; a fault costs lines, never a client.</summary>
internal static class AccessLogCheck
{
    private const string Name = CheckName.AccessLog;

    /// <summary>The check of one file.</summary>
    public static DoctorCheck Of(AccessLogFact log) => log.State switch
    {
        AccessLogState.NoDirectory => Fault(log, "its directory does not exist",
            "access_log is mistyped, or the directory was removed",
            "make the directory, or name another file as access_log"),
        AccessLogState.NotWritable => Fault(log, "this user may not write it",
            "it belongs to another user, or its directory does",
            "name a file that the user of bal may write as access_log"),
        AccessLogState.NotRegular => Fault(log, "it is neither a regular file nor a named pipe",
            "access_log names a directory, a link, a device or a socket",
            "name a file or a named pipe as access_log"),
        AccessLogState.Own => Fault(log, "bal itself uses this file",
            "access_log names the configuration, the PID file, the control socket or another log",
            "name another file as access_log"),
        _ => DoctorCheck.Ok(Name, $"connections can be logged in {log.Path}"),
    };

    private static DoctorCheck Fault(AccessLogFact log, string what, string why, string now) =>
        DoctorCheck.Warn(Name, new Problem(
            "access_log_unusable", $"connections cannot be logged in {log.Path}: {what}", why, now));
}
