using System.CommandLine;
using System.CommandLine.Parsing;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Cli;

/// <summary>
/// Messages for wrong usage: the word that was not understood, and the nearest valid one.
/// </summary>
internal static class UsageMessage
{
    internal static string Of(ParseResult parsed, RootCommand tree)
    {
        var command = parsed.CommandResult.Command;
        var name = NameOf(parsed.CommandResult);
        var unknown = parsed.UnmatchedTokens.Count > 0 ? parsed.UnmatchedTokens[0] : MistypedOption(parsed);
        var what = unknown is null ? ProblemOf(parsed)
            : IsOption(unknown) ? UnknownOption(unknown, command, tree, name)
            : command == tree ? UnknownCommand(unknown, tree)
            : $"'{name}' takes no argument '{Shown(unknown)}'{Instead(unknown, command, tree)}";
        return $"bal: {what} (see '{name} --help')";
    }

    // A parser takes '--jsn' for an argument where a command has one.
    private static string? MistypedOption(ParseResult parsed) => parsed.CommandResult.Children
        .OfType<ArgumentResult>().SelectMany(argument => argument.Tokens).Select(token => token.Value)
        .FirstOrDefault(IsOption);

    private static string NameOf(CommandResult result) => result.Parent is CommandResult parent
        ? $"{NameOf(parent)} {result.Command.Name}"
        : "bal";

    // A missing value is named after its option; the other messages come from the options' own validators.
    private static string ProblemOf(ParseResult parsed)
    {
        foreach (var error in parsed.Errors)
            if (error.SymbolResult is OptionResult { Tokens.Count: 0, Option: var option }
                && option.ValueType != typeof(bool))
                return $"{option.Name} needs a value: {option.Name} {option.HelpName}";
            else if (error.SymbolResult is OptionResult { Tokens.Count: > 1, Option: var repeated })
                return $"{repeated.Name} was given more than once";
            else if (error.SymbolResult is ArgumentResult { Tokens.Count: 0, Argument: var missing })
                return $"{missing.Name} is missing: {missing.Description}";
        return parsed.Errors[0].Message.TrimEnd('.');
    }

    private static string UnknownCommand(string word, RootCommand tree) =>
        $"unknown command '{Shown(word)}'" + Meant(word, tree).Match(
            near => $"; did you mean 'bal {near}'?",
            () => "; the commands are "
                + string.Join(", ", tree.Subcommands.Where(c => !c.Hidden).Select(c => c.Name)));

    // Words that users know from haproxy, nginx, systemctl and docker.
    private static LanguageExt.Option<string> Meant(string word, RootCommand tree) => word switch
    {
        "version" => "--version",
        "restart" or "update" => "graceful",
        "run" or "up" or "serve" or "daemon" => "start",
        "test" or "validate" or "configtest" or "lint" => "check",
        "quit" or "shutdown" or "down" or "kill" => "stop",
        "info" or "stats" or "ps" or "show" => "status",
        "htop" or "watch" => "top",
        "why" => "explain",
        _ => Nearest.To(word, Names(tree.Subcommands)),
    };

    private static string UnknownOption(string word, Command command, RootCommand tree, string name)
    {
        var bare = word.Split('=', 2)[0];
        var owners = tree.Subcommands.Where(c => Words(c, tree).Contains(bare)).Select(c => $"'bal {c.Name}'").ToList();
        if (owners.Count > 0)
        {
            return $"'{name}' has no option {Shown(bare)} "
                + $"({string.Join(", ", owners)} {(owners.Count == 1 ? "does" : "do")})";
        }

        // All single letters are one typo apart, so a list helps more than a guess.
        var words = Words(command, tree);
        var near = bare.Length > 2 ? Nearest.To(bare, new Arr<string>(words)) : LanguageExt.Option<string>.None;
        var known = string.Join(", ", words.Where(w => w.StartsWith("--", StringComparison.Ordinal)));
        return $"unknown option '{Shown(bare)}'" + near.Match(
            meant => $"; did you mean '{meant}'?",
            () => $"; '{name}' knows {known}");
    }

    // 'bal check sample/config.yaml' is what most people try first.
    private static string Instead(string word, Command command, RootCommand tree) =>
        command.Subcommands.Count > 0 ? $"; {Subcommand(word, command)}"
        : tree.Subcommands.Any(c => c.Name == word) ? "; one command at a time"
        : word.Length == 0 || !command.Options.Any(o => o.Name is "--json" or "--daemon") ? ""
        : Nearest.To(word, new Arr<string>(command.Options.Select(o => o.Name).Where(n => n != "--help"))).Match(
            near => $"; did you mean '{near}'?",
            () => $"; a configuration file is named with --config {Shown(word)}");

    private static string Subcommand(string word, Command command) =>
        Nearest.To(word, Names(command.Subcommands)).Match(
        near => $"did you mean 'bal {command.Name} {near}'?",
        () => $"it takes {string.Join(" or ", command.Subcommands.Select(c => c.Name))}, as in "
            + $"'bal {command.Name} {command.Subcommands[0].Name} {Shown(word)}'");

    internal static bool IsOption(string word) => word.Length > 1 && word[0] == '-';

    private static Arr<string> Names(IEnumerable<Command> commands) =>
        new(commands.SelectMany(c => c.Aliases.Prepend(c.Name)));

    private static List<string> Words(Command command, RootCommand tree)
    {
        var options = command == tree ? tree.Options : command.Options.Concat(tree.Options.Where(o => o.Recursive));
        var words = options.SelectMany(o => o.Aliases.Prepend(o.Name)).Distinct();
        return [.. words.Where(w => w is not ("/?" or "/h" or "-?"))];
    }

    private static string Shown(string word)
    {
        var clean = string.Concat(word.Select(c => char.IsControl(c) ? '?' : c));
        return clean.Length <= 64 ? clean : clean[..63] + "…";
    }
}
