using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Bal.Domain.Config;
using Bal.Domain.Diagnostics;
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
        var command = new Command("graceful", "Re-read the configuration and apply it with no connection lost");
        command.SetAction(parsed => Run(
            composition, Prelude.Optional(parsed.GetValue(config)).Map(composition.Absolute)));
        return command;
    }

    private static int Run(CompositionRoot composition, LanguageExt.Option<string> named) => composition.Home()
        .Bind(home => RunningProcess.Find(home.PidFile).Bind(process => Ask(home, process)))
        .Bind(ControlAnswer.Parse)
        .Match(
            Right: answer =>
            {
                NoteOtherFile(composition, named, answer.Text("config_path") ?? "");
                return Show(composition, answer);
            },
            Left: problem =>
            {
                composition.Error.Problem(problem);
                return ExitCode.Failure;
            });

    // Another file takes a restart: the daemon reads the one that it was started with.
    private static void NoteOtherFile(CompositionRoot composition, LanguageExt.Option<string> named, string read) =>
        named.Filter(file => file != read).IfSome(file => composition.Error.Write(
            $"note: the daemon was started with {read} and has read that; --config {file} was not used\n"));

    private static Either<Problem, string> Ask(BalHome home, RunningProcess process)
    {
        // The lock tells apart "not running" from a daemon that does not answer.
        var patience = ControlClient.GracefulPatience;
        using (process) return RunningDaemon.Ask(process.Pid, home.ControlSocket, "graceful", patience);
    }

    private static int Show(CompositionRoot composition, ControlAnswer answer)
    {
        var applied = answer.Flag("applied");
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"applied: {(applied ? "yes" : "no")}\n");
        if (answer.Number("config_version") is { } version)
            text.Append(CultureInfo.InvariantCulture, $"config_version: {version}\n");
        if (answer.Text("message") is { Length: > 0 } message)
            text.Append(CultureInfo.InvariantCulture, $"message: {message}\n");
        foreach (var change in answer.Items("changes"))
            if (change.ValueKind == JsonValueKind.String)
                text.Append(CultureInfo.InvariantCulture, $"change: {change.GetString()}\n");
        var problem = answer.ProblemOrNull();
        text.Append(applied ? "next: run 'bal status'\n"
            : problem?.Code == "stopping" ? "next: wait for it to end, then run 'bal start -d'\n"
            : "next: run 'bal check'; the earlier configuration keeps serving\n");
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

    private static Finding ToFinding(JsonElement finding) => new(
        ControlAnswer.TextOf(finding, "severity") == "warning" ? Severity.Warning : Severity.Error,
        ControlAnswer.TextOf(finding, "code") ?? "",
        ControlAnswer.TextOf(finding, "path") ?? "",
        new SourcePosition(
            (int)(ControlAnswer.NumberOf(finding, "line") ?? 0), (int)(ControlAnswer.NumberOf(finding, "column") ?? 0)),
        ControlAnswer.TextOf(finding, "message") ?? "",
        ControlAnswer.TextOf(finding, "hint") ?? "");
}
