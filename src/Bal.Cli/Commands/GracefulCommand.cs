using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Control;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary>
/// <c>bal graceful</c>: the daemon reads its file again; the command returns when the outcome is known.
/// </summary>
internal static class GracefulCommand
{
    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var dryRun = new System.CommandLine.Option<bool>("--dry-run")
        {
            Description = "Say what would change, and change nothing",
        };
        var json = Options.Json();
        var command = new Command("graceful", "Re-read the configuration and apply it with no connection lost")
        {
            dryRun, json,
        };
        command.SetAction(parsed => Run(
            composition,
            Prelude.Optional(parsed.GetValue(config)).Map(composition.Absolute),
            parsed.GetValue(dryRun) ? "graceful dry-run" : "graceful",
            parsed.GetValue(json)));
        return command;
    }

    private static int Run(
        CompositionRoot composition, LanguageExt.Option<string> named, string request, bool json) => composition.Home()
        .Bind(home => RunningProcess.Find(home.PidFile).Bind(process => Ask(home, process, request)))
        .Bind(text => ControlAnswer.Parse(text).Map(answer => (Text: text, Answer: answer)))
        .Match(
            Right: told =>
            {
                NoteOtherFile(composition, named, told.Answer.Text("config_path") ?? "");
                if (!json)
                    return Show(composition, told.Answer);
                composition.Out.Write(told.Text);
                return Succeeded(told.Answer) ? ExitCode.Ok : ExitCode.Failure;
            },
            Left: problem =>
            {
                composition.Error.Problem(problem);
                return ExitCode.Failure;
            });

    private static bool Succeeded(ControlAnswer answer) => answer.Flag("applied") || answer.Flag("would_apply");

    // Another file takes a restart: the daemon reads the one that it was started with.
    private static void NoteOtherFile(CompositionRoot composition, LanguageExt.Option<string> named, string read) =>
        named.Filter(file => file != read).IfSome(file => composition.Error.Write(
            $"note: the daemon was started with {Printable.Line(read)} and has read that; "
            + $"--config {Printable.Line(file)} was not used\n"));

    private static Either<Problem, string> Ask(BalHome home, RunningProcess process, string request)
    {
        // The lock tells apart "not running" from a daemon that does not answer.
        var patience = ControlClient.GracefulPatience;
        using (process) return RunningDaemon.Ask(process.Pid, home.ControlSocket, request, patience);
    }

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
        text.Append(Next(applied, dryRun, problem));
        composition.Out.Write(text.ToString());

        // The findings say each fault of the file; the problem then only repeats the first of them.
        var faults = answer.Items("findings")
            .Where(f => applied || ControlAnswer.TextOf(f, "severity") == "error")
            .ToArray();
        if (problem is not null && faults.Length == 0) composition.Error.Problem(problem);
        foreach (var finding in faults)
            composition.Error.Problem(FindingProblem.Of(answer.Text("config_path") ?? "", ToFinding(finding)));
        return applied ? ExitCode.Ok : ExitCode.Failure;
    }

    private static string Next(bool applied, bool dryRun, Problem? problem) => (applied, dryRun) switch
    {
        (true, true) => "next: run 'bal graceful' to apply it; nothing was changed\n",
        (true, false) => "next: run 'bal status'\n",
        _ when problem?.Code == "stopping" => "next: wait for it to end, then run 'bal start -d'\n",
        (false, true) => "next: correct that, then run 'bal graceful --dry-run' again; nothing was changed\n",
        _ => "next: run 'bal check'; the earlier configuration keeps serving\n",
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
