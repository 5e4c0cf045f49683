using System.Text;
using Bal.Domain.Config;
using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.Json;
using Bal.Infrastructure.Process;
using LanguageExt;

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
        var report = Infrastructure.Diagnosis.Doctor.Examine(DoctorObservations.Gather(home, location));
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

    /// <summary>
    /// Renders the JSON that the daemon answered to <c>status</c>; without a word that narrows it, the JSON form is
    /// that answer, untouched.
    /// </summary>
    internal static Either<Problem, Rendered> Status(string answer, string? word, ReportForm form) =>
        StatusJson.Read(Encoding.UTF8.GetBytes(answer)).Match(
            Right: report => word is null && form == ReportForm.Json
                ? new Rendered(answer, LevelOf(report))
                : Narrowed(report, word, form),
            Left: why => NotUnderstood(why));

    /// <summary>The daemon's answer is not one that this version reads.</summary>
    internal static Problem NotUnderstood(string why) => new(
        "control_answer_unknown",
        $"the running daemon answered in a form that this bal does not understand: {why}",
        "the daemon was started by another version of bal",
        "restart it with this version ('bal stop', then 'bal start -d'), or use 'bal status --json'");

    /// <summary>The report where nothing answers; the configuration tells what would be served.</summary>
    /// <param name="location">Where it is.</param>
    /// <param name="pid">The process that does not answer; none where nothing runs.</param>
    /// <param name="why">Why nothing answers.</param>
    /// <param name="leftover">Processes that a killed bal has left.</param>
    /// <param name="word">What the report is narrowed to.</param>
    /// <param name="form">How it is printed.</param>
    internal static Either<Problem, Rendered> StatusStopped(
        ConfigLocation location, Option<int> pid, Unobserved why, Arr<int> leftover, string? word, ReportForm form)
    {
        var loaded = location.Match(
            found => ConfigLoader.Load(found.Path),
            missing => new LoadedConfig(missing.LookedAt[0], new ConfigOutcome(Option<BalConfig>.None, [])));
        var report = StatusReports.Stopped(CommandLine.Version, loaded.Path, loaded.Outcome.Config, pid);
        var left = pid.IsSome ? Arr<int>.Empty : leftover;
        return Narrowed(report with { Unobserved = why, Leftover = left }, word, form);
    }

    private static Either<Problem, Rendered> Narrowed(StatusReport report, string? word, ReportForm form) =>
        (word is null ? report : Addressing.Narrow(word, report)).Map(part => new Rendered(
            form switch
            {
                ReportForm.Json => Encoding.UTF8.GetString(StatusJson.Write(part)),
                ReportForm.Verbose => StatusText.Verbose(part),
                _ => StatusText.Concise(part),
            },
            LevelOf(part)));

    private static ReportLevel LevelOf(StatusReport report) => report.Overall switch
    {
        OverallStatus.Ok => ReportLevel.Ok,
        OverallStatus.Warn => ReportLevel.Warn,
        _ => ReportLevel.Critical,
    };
}
