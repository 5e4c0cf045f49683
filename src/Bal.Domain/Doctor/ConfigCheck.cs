using Bal.Domain.Messages;

namespace Bal.Domain.Doctor;

/// <summary>The configuration as doctor judges it: errors are critical, warnings only said.</summary>
public static class ConfigCheck
{
    /// <summary>The check.</summary>
    public static DoctorCheck Of(ConfigFact fact) => fact.Match(
        unavailable: u => DoctorCheck.Critical(CheckName.Config, u.Reason),
        read: r => r.Outcome.Config.Match(
            Some: config => Valid(r, Counted(config.Services.Sum(s => s.Backends.Count), "backend")),
            None: () => Invalid(r)));

    private static DoctorCheck Valid(ConfigFact.Read read, string backends)
    {
        var warnings = read.Outcome.Findings.Filter(f => f.Severity == Severity.Warning);
        var summary = $"{read.Path} is valid ({backends}, {Counted(warnings.Count, "warning")})";
        return warnings.IsEmpty
            ? DoctorCheck.Ok(CheckName.Config, summary)
            : DoctorCheck.OkWithNote(CheckName.Config, summary, string.Join("; ", warnings.Map(OneLine)));
    }

    private static DoctorCheck Invalid(ConfigFact.Read read)
    {
        var errors = read.Outcome.Findings.Filter(f => f.Severity == Severity.Error);
        if (!errors.IsEmpty && !HasPosition(errors[0])) return Unreadable(errors[0]);
        var first = errors.IsEmpty ? "no reason was given" : OneLine(errors[0]);
        var more = errors.Count > 1 ? $" (and {errors.Count - 1} more)" : "";
        return DoctorCheck.Critical(CheckName.Config, new Problem(
            "config_invalid",
            $"{read.Path} is not a valid configuration: {first}{more}",
            "the file was edited by hand, or was written for another version of bal",
            "run 'bal check', correct every line that it lists, then run 'bal doctor' again"));
    }

    /// <summary>A finding without a position is about the file as a whole: it is missing, or cannot be read.</summary>
    private static DoctorCheck Unreadable(Finding finding) => DoctorCheck.Critical(CheckName.Config, new Problem(
        finding.Code,
        finding.Message,
        "no configuration has been created yet, or --config, BAL_CONFIG or BAL_HOME names another directory",
        finding.Hint.Length == 0 ? "run 'bal check' for the details" : finding.Hint));

    private static bool HasPosition(Finding finding) => finding.At.Line > 0;

    private static string Counted(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";

    private static string OneLine(Finding finding)
    {
        // Most messages begin with the key.
        var key = finding.Path.Length == 0 || finding.Message.Contains(finding.Path, StringComparison.Ordinal)
            ? ""
            : $"{finding.Path}: ";
        var at = HasPosition(finding) ? $"line {finding.At.Line}, column {finding.At.Column}: " : "";
        return $"{at}{key}{finding.Message}";
    }
}
