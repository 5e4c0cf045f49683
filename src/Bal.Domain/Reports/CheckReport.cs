using System.Text;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>What <c>bal check</c> says: the result of a static validation (docs/behaviour.md, Validation).</summary>
/// <param name="ConfigPath">The file that was checked.</param>
/// <param name="Outcome">What validation found.</param>
/// <param name="Strict">Whether a warning makes the check fail.</param>
public sealed record CheckReport(string ConfigPath, ConfigOutcome Outcome, bool Strict)
{
    /// <summary>The report about a file that was loaded.</summary>
    public static CheckReport Of(LoadedConfig loaded, bool strict) => new(loaded.Path, loaded.Outcome, strict);

    /// <summary>The report where there is no file to check.</summary>
    public static CheckReport Of(ConfigLocation.Missing missing, bool strict) =>
        new(missing.LookedAt[0], ConfigOutcome.Unreadable(MissingFile(missing)), strict);

    /// <summary>Why nothing can start where there is no file.</summary>
    public static Problem ProblemOf(ConfigLocation.Missing missing) =>
        FindingProblem.Of(missing.LookedAt[0], MissingFile(missing)) with
        {
            WhatHappened = MissingFile(missing).Message,
        };

    /// <summary>The errors in the order of the file.</summary>
    public Arr<Finding> Errors => Outcome.Findings.Filter(finding => finding.Severity == Severity.Error);

    /// <summary>The warnings in the order of the file.</summary>
    public Arr<Finding> Warnings => Outcome.Findings.Filter(finding => finding.Severity == Severity.Warning);

    /// <summary>Whether the exit code is 1: there is an error, or a warning under <c>--strict</c>.</summary>
    public bool Failed => Outcome.Config.IsNone || (Strict && !Warnings.IsEmpty);

    /// <summary>The concise text; every finding is in it.</summary>
    public string ToText() => Text(Arr<string>.Empty);

    /// <summary>The concise text with the path and the configuration in effect.</summary>
    public string ToVerboseText() => Text(new Arr<string>(Outcome.Config
        .Map(config => $"effective_config:\n{ConfigPrinter.ToYaml(config)}")
        .AsEnumerable()
        .Concat(Outcome.Limits
            .Map(limits => $"limits: at most {Plural.Of(limits.Allowed, "connection")}, {limits.InFlight}\n")
            .AsEnumerable())
        .Prepend($"config_path: {Printable.Line(ConfigPath)}\n")));

    private string Text(Arr<string> details)
    {
        var text = new StringBuilder();
        Label(text, "result", Failed ? "FAILED" : "OK");
        if (Outcome.ServiceCount > 1)
            Label(text, "services", $"{Outcome.ServiceCount}");
        Label(text, "backends", $"{Outcome.BackendCount}");
        if (Failed)
            Label(text, "errors", $"{Errors.Count}");
        Label(text, "warnings", $"{Warnings.Count}");
        if (Strict && !Warnings.IsEmpty)
            Label(text, "strict", "on (warnings fail the check)");
        foreach (var finding in Outcome.Findings)
            text.Append(FindingProblem.Of(ConfigPath, finding).ToText());
        foreach (var detail in details)
            text.Append(detail);
        return Label(text, "next", Next()).ToString();
    }

    private string Next() => this switch
    {
        { Outcome.Config.IsNone: true } => "correct the errors above, then run 'bal check' again",
        { Failed: true } => "correct the warnings above, or run 'bal check' without --strict",
        _ => "run 'bal doctor'",
    };

    private static StringBuilder Label(StringBuilder text, string label, string value) =>
        text.Append(label).Append(": ").Append(value).Append('\n');

    private static Finding MissingFile(ConfigLocation.Missing missing) => new(Severity.Error, "file_missing", "",
        SourcePosition.None, missing.Source switch
        {
            ConfigSource.Argument => $"the file given with --config does not exist: {missing.LookedAt[0]}",
            ConfigSource.Environment => $"the file named by BAL_CONFIG does not exist: {missing.LookedAt[0]}",
            _ => $"there is no configuration file; looked at {string.Join(", then ", missing.LookedAt)}",
        },
        missing.Source switch
        {
            ConfigSource.Argument => "check the path behind --config",
            ConfigSource.Environment => "correct or unset BAL_CONFIG",
            _ => $"copy sample/config.yaml to {missing.LookedAt[0]}, or name a file with --config",
        });
}
