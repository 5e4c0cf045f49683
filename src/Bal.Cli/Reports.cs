using Bal.Domain.Config;
using Bal.Domain.Diagnostics;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.Json;
using Bal.Infrastructure.Process;

namespace Bal.Cli;

/// <summary>Where the commands get their reports from, one method each.</summary>
internal static class Reports
{
    /// <summary>Loads and validates the file, and says what was found; critical means exit code 1.</summary>
    internal static Rendered Check(ConfigLocation location, bool strict, ReportForm form)
    {
        var report = location.Match(
            found => CheckReport.Of(ConfigLoader.Load(found.Path), strict),
            missing => CheckReport.Of(missing, strict));
        var text = form switch
        {
            ReportForm.Json => CheckJson.Write(report),
            ReportForm.Verbose => report.ToVerboseText(),
            _ => report.ToText(),
        };
        var level = report.Failed ? ReportLevel.Critical : report.Warnings.IsEmpty ? ReportLevel.Ok : ReportLevel.Warn;
        return new Rendered(text, level);
    }

    /// <summary>Examines the environment.</summary>
    internal static Rendered Doctor(BalHome home, ConfigLocation location, ReportForm form)
    {
        // The command is synchronous, and there is no synchronisation context that waiting could block.
        var report = Infrastructure.Diagnosis.Doctor
            .ExamineAsync(DoctorObservations.Gather(home, location), CancellationToken.None).GetAwaiter().GetResult();
        var text = form switch
        {
            ReportForm.Json => DoctorJson.Write(report),
            ReportForm.Verbose => report.ToVerboseText(),
            _ => report.ToText(),
        };
        return new Rendered(text, report.Overall switch
        {
            CheckLevel.Ok => ReportLevel.Ok,
            CheckLevel.Warn => ReportLevel.Warn,
            _ => ReportLevel.Critical,
        });
    }

    /// <summary>Renders the JSON that the daemon answered to <c>status</c>.</summary>
    internal static Rendered Status(string answer, ReportForm form) =>
        throw new NotSupportedException("status is not wired up yet");

    /// <summary>The report where nothing runs; the configuration tells what would be served.</summary>
    internal static Rendered StatusStopped(ConfigLocation location, ReportForm form) =>
        throw new NotSupportedException("status is not wired up yet");
}
