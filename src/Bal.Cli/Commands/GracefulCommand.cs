using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary>
/// <c>bal graceful</c>, also <c>bal reload</c>: the daemon reads its file again; the command returns when the outcome
/// is known.
/// </summary>
internal static class GracefulCommand
{
    // A reload looks names up and binds addresses, which takes time.
    private const int DefaultTimeout = 60;

    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var dryRun = new System.CommandLine.Option<bool>("--dry-run")
        {
            Description = "Show what would change, and change nothing",
        };
        var json = Options.Json();
        var timeout = Options.SecondsOf(
            "--timeout", "Seconds to wait for the outcome (1 to 600; 60 by default)", "SECONDS", most: 600);
        var command = new Command("graceful", "Re-read the configuration and apply it without losing a connection")
        {
            dryRun, json, timeout,
        };
        command.Aliases.Add("reload");
        command.SetAction(parsed => Run(
            composition,
            Prelude.Optional(parsed.GetValue(config)),
            parsed.GetValue(dryRun) ? "graceful dry-run" : "graceful",
            TimeSpan.FromSeconds(parsed.GetValue(timeout) ?? DefaultTimeout),
            parsed.GetValue(json)));
        return command;
    }

    private static int Run(
        CompositionRoot composition, LanguageExt.Option<string> config, string request, TimeSpan timeout, bool json) =>
        RunningDaemon.Find(composition, config).Bind(daemon =>
        {
            using (daemon)
                return daemon.AskForOutcome(request, timeout);
        })
        .Bind(text => ControlAnswer.Parse(text).Map(answer => (Text: text, Answer: answer)))
        .Match(
            Right: told =>
            {
                if (!json)
                    return Show(composition, told.Answer);
                composition.Out.Write(told.Text);
                return Succeeded(told.Answer) ? ExitCode.Ok : ExitCode.Failure;
            },
            Left: problem =>
            {
                if (json)
                    return composition.Unreported(problem, ReportForm.Json);
                composition.Error.Problem(problem);
                return ExitCode.Failure;
            });

    private static bool Succeeded(ControlAnswer answer) => answer.Flag("applied") || answer.Flag("would_apply");

    private static int Show(CompositionRoot composition, ControlAnswer answer)
    {
        var dryRun = answer.Flag("dry_run");
        var applied = Succeeded(answer);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"{(dryRun ? "would_apply" : "applied")}: {(applied ? "yes" : "no")}\n");
        if (answer.Number("config_version") is { } version)
            text.Append(CultureInfo.InvariantCulture, $"config_version: {version}\n");
        if (answer.Text("message") is { Length: > 0 } message)
            text.Append(CultureInfo.InvariantCulture, $"message: {Printable.Line(message)}\n");
        foreach (var change in answer.Items("changes"))
            if (change.ValueKind == JsonValueKind.String)
                text.Append(CultureInfo.InvariantCulture, $"change: {Printable.Line(change.GetString() ?? "")}\n");
        foreach (var kept in answer.Member("backends").Items("kept"))
            if (kept.ValueKind == JsonValueKind.String)
                text.Append(CultureInfo.InvariantCulture, $"kept: {Printable.Line(kept.GetString() ?? "")}\n");
        var problem = answer.ProblemOrNull();
        // The problem would only repeat the first of the findings.
        var faults = answer.Items("findings")
            .Where(f => applied || ControlAnswer.TextOf(f, "severity") == "error")
            .ToArray();
        text.Append(Next(applied, dryRun, problem, faults.Length > 0));
        composition.Out.Write(text.ToString());

        if (problem is not null && faults.Length == 0) composition.Error.Problem(problem);
        foreach (var finding in faults)
            composition.Error.Problem(FindingProblem.Of(answer.Text("config_path") ?? "", ToFinding(finding)));
        return applied ? ExitCode.Ok : ExitCode.Failure;
    }

    private static string Next(bool applied, bool dryRun, Problem? problem, bool isInFile) => (applied, dryRun) switch
    {
        (true, true) => "next: run 'bal graceful' to apply it; nothing was changed\n",
        (true, false) => "next: run 'bal status'\n",
        _ when problem?.Code == "stopping" => "next: wait for it to end, then run 'bal start -d'\n",
        (false, true) => "next: correct that, then run 'bal graceful --dry-run' again; nothing was changed\n",
        _ => $"next: run 'bal {(isInFile ? "check" : "doctor")}'; the earlier configuration keeps serving\n",
    };

    private static Finding ToFinding(JsonElement finding) => new(
        ControlAnswer.TextOf(finding, "severity") == "warning" ? Severity.Warning : Severity.Error,
        ControlAnswer.TextOf(finding, "code") ?? "",
        ControlAnswer.TextOf(finding, "path") ?? "",
        new SourcePosition(
            (int)(ControlAnswer.NumberOf(finding, "line") ?? 0), (int)(ControlAnswer.NumberOf(finding, "column") ?? 0)),
        ControlAnswer.TextOf(finding, "message") ?? "",
        ControlAnswer.TextOf(finding, "hint") ?? "");
}
