using Bal.Domain.Config;
using Bal.Infrastructure.Process;

namespace Bal.Cli;

/// <summary>Where the commands get their reports from, one method each.</summary>
internal static class Reports
{
    /// <summary>Loads and validates the file, and says what was found; critical means exit code 1.</summary>
    internal static Rendered Check(ConfigLocation location, bool strict, ReportForm form) =>
        throw new NotSupportedException("check is not wired up yet");

    /// <summary>Examines the environment.</summary>
    internal static Rendered Doctor(BalHome home, ConfigLocation location, ReportForm form) =>
        throw new NotSupportedException("doctor is not wired up yet");

    /// <summary>Renders the JSON that the daemon answered to <c>status</c>.</summary>
    internal static Rendered Status(string answer, ReportForm form) =>
        throw new NotSupportedException("status is not wired up yet");

    /// <summary>The report where nothing runs; the configuration tells what would be served.</summary>
    internal static Rendered StatusStopped(ConfigLocation location, ReportForm form) =>
        throw new NotSupportedException("status is not wired up yet");
}
