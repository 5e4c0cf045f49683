using System.CommandLine;
using System.Globalization;
using System.Text;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Infrastructure.Hosting;
using LanguageExt;
using Duration = Bal.Domain.Primitives.Duration;

namespace Bal.Cli.Commands;

/// <summary>What <c>bal drain</c>, <c>bal enable</c> and <c>bal weight</c> have in common.</summary>
internal static class Ordering
{
    /// <summary>An upgrade may have to end first.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    internal static Argument<string?> Backend(ArgumentArity arity) => Options.Word(
        "BACKEND", "host:port, its number in the file, or SERVICE/BACKEND", arity);

    internal static System.CommandLine.Option<bool> Force() => new("--force")
    {
        Description = "Even where it takes the last usable backend of the service",
    };

    /// <summary>Has it done and shows what came of it.</summary>
    internal static int Run(
        CompositionRoot composition, LanguageExt.Option<string> config, OrderRequest request, bool json) =>
        RunningDaemon.Find(composition, config).Bind(daemon =>
        {
            using (daemon)
                return Ask(daemon, request);
        })
        .Match(
            Right: told => Show(composition, told, json),
            Left: problem => composition.Unreported(problem, json ? ReportForm.Json : ReportForm.Concise));

    /// <summary>The answer of the daemon, with its text.</summary>
    internal static Either<Problem, OrderAnswer> Ask(RunningDaemon daemon, OrderRequest request) =>
        daemon.AskForOutcome(OrderLine.Of(request), Patience).Bind(OrderAnswer.Parse);

    /// <summary>Shows an answer; its exit code.</summary>
    internal static int Show(CompositionRoot composition, OrderAnswer told, bool json)
    {
        if (json)
            composition.Out.Write(told.Text);
        else if (told.Problem is { } problem)
            composition.Out.Problem(problem);
        else
            composition.Out.Write(TextOf(told.Answer));
        return told.Problem is null ? ExitCode.Ok : ExitCode.Failure;
    }

    private static string TextOf(ControlAnswer answer)
    {
        var text = new StringBuilder();
        var backends = answer.Items("backends").ToArray();
        var total = answer.Number("total") ?? backends.Length;
        foreach (var backend in backends)
        {
            var its = new ControlAnswer(backend);
            Line(text, "backend", $"{its.Text("service")}/{its.Text("address")}");
            Line(text, "before", its.Member("before").Text("text") ?? "");
            Line(text, "after", its.Member("after").Text("text") ?? "");
            Line(text, "connections", string.Create(
                CultureInfo.InvariantCulture, $"{its.Number("active_connections") ?? 0}")
                + (its.Number("reset_in_ms") is { } left ? $", reset in {new Duration(left).ToText()}" : ""));
        }

        if (total == 0)
            Line(text, "backends", "none was drained or had another weight");
        else if (total > backends.Length)
            Line(text, "backends", string.Create(CultureInfo.InvariantCulture, $"{total - backends.Length} more"));
        Line(text, "kept", answer.Flag("kept") ? "yes" : $"no ({answer.Text("why_not_kept")})");
        return text.ToString();
    }

    private static void Line(StringBuilder text, string label, string value) =>
        text.Append(label).Append(": ").Append(Printable.Line(value)).Append('\n');
}

/// <summary>The daemon's answer to an order.</summary>
/// <param name="Text">As it came.</param>
/// <param name="Answer">The same, read.</param>
internal sealed record OrderAnswer(string Text, ControlAnswer Answer)
{
    /// <summary>Why nothing was done; null where it was.</summary>
    internal Problem? Problem => Answer.ProblemOrNull();

    /// <summary>The first backend that it was about.</summary>
    internal ControlAnswer Backend => new(Answer.Items("backends").FirstOrDefault());

    /// <summary>Its name without doubt.</summary>
    internal string Name => $"{Backend.Text("service")}/{Backend.Text("address")}";

    /// <summary>Connections that use it.</summary>
    internal long Connections => Backend.Number("active_connections") ?? 0;

    /// <summary>Whether it is drained.</summary>
    internal bool IsDrained => Backend.Member("after").Flag("drained");

    internal static Either<Problem, OrderAnswer> Parse(string text) =>
        ControlAnswer.Parse(text).Map(answer => new OrderAnswer(text, answer));
}
