using System.CommandLine;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary>
/// <c>bal complete -- WORDS</c>: what may stand in place of the last word, a line each, for the completions of shells
/// (packaging/completions). It knows the commands and options that there are, and the names that the daemon knows.
/// </summary>
internal static class CompleteCommand
{
    /// <summary>In place of candidates: names of files, which shells know best.</summary>
    private const string Files = ":files";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    internal static Command Define(CompositionRoot composition, RootCommand root)
    {
        var words = new Argument<string[]>("WORDS") { Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("complete", "Print what may come next, for shells") { words };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            foreach (var candidate in After(root, parsed.GetValue(words) ?? [], () => Known(composition)))
                composition.Out.Write(candidate + "\n");
            return ExitCode.Ok;
        });
        return command;
    }

    private static IEnumerable<string> After(RootCommand root, string[] words, Func<Names> known)
    {
        var current = words is [.., var last] ? last : "";
        Command command = root;
        Option? waiting = null;
        var given = 0;
        foreach (var word in words.SkipLast(1))
            if (waiting is not null)
                waiting = null;
            else if (word.StartsWith('-'))
                waiting = Options(command, root).FirstOrDefault(option => option.ValueType != typeof(bool)
                    && (option.Name == word || option.Aliases.Contains(word)));
            else if (command.Subcommands.FirstOrDefault(c => c.Name == word || c.Aliases.Contains(word)) is { } inner)
                command = inner;
            else
                given++;
        var candidates = waiting is not null ? Values(waiting.HelpName ?? "", known)
            : current.StartsWith('-') ? Options(command, root).Select(option => option.Name).Append("--help")
            : [
                .. command.Subcommands.Where(c => !c.Hidden).SelectMany(c => c.Aliases.Prepend(c.Name)),
                .. command.Arguments.ElementAtOrDefault(Math.Min(given, command.Arguments.Count - 1)) is { } argument
                    && (given < command.Arguments.Count || argument.Arity.MaximumNumberOfValues > 1)
                        ? Values(argument.Name, known) : [],
            ];
        return candidates.Where(candidate =>
            candidate == Files || candidate.StartsWith(current, StringComparison.Ordinal)).Distinct();
    }

    private static IEnumerable<Option> Options(Command command, RootCommand root) => command == root
        ? root.Options
        : command.Options.Concat(root.Options.Where(option => option.Recursive));

    // By the name that help shows for a value.
    private static IEnumerable<string> Values(string name, Func<Names> known) => name switch
    {
        "FILE" => [Files],
        "FORMAT" => Enum.GetValues<LogFormat>().Select(Words.Of),
        "ORDER" => SessionSort.All.Map(sort => sort.Word),
        "SERVICE" => known().Services,
        "BACKEND" or "CIDR|BACKEND" => known().Backends,
        "TARGET" => known().All,
        _ => [],
    };

    private static Names Known(CompositionRoot composition) => RunningDaemon
        .Find(composition, LanguageExt.Option<string>.None)
        .Bind(daemon =>
        {
            using (daemon)
                return daemon.Ask("status", Patience);
        })
        .Bind(ControlAnswer.Parse)
        .Match(Right: Of, Left: _ => new Names([], [], []));

    private static Names Of(ControlAnswer answer)
    {
        var services = answer.Items("services").Select(s => ControlAnswer.TextOf(s, "name") ?? "").ToArray();
        var backends = answer.Items("backends")
            .Select(b => (
                Service: ControlAnswer.TextOf(b, "service"), Address: ControlAnswer.TextOf(b, "address") ?? ""))
            .ToArray();
        var targets = backends.Select(b => $"{b.Service}/{b.Address}").ToArray();
        return new(services, services.Length > 1 ? targets : [.. backends.Select(b => b.Address)], targets);
    }

    // Of the running daemon; backends as they are unambiguous, and with their services before them.
    private sealed record Names(string[] Services, string[] Backends, string[] Targets)
    {
        internal IEnumerable<string> All => Services.Concat(Targets);
    }
}
