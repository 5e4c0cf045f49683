using System.CommandLine;
using System.CommandLine.Help;
using Bal.Cli.Commands;
using Bal.Domain.Primitives;

namespace Bal.Cli;

/// <summary>The commands of bal and the way from words to one of them.</summary>
internal static class CommandLine
{
    internal const string Version = "0.2.0";

    internal static int Run(string[] args, CompositionRoot composition)
    {
        var tree = Tree(composition);
        var parsed = tree.Parse(Asked(args, tree), new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is HelpAction)
        {
            composition.Out.Write(HelpOf(parsed));
            return ExitCode.Ok;
        }
        if (parsed.Errors.Count > 0 || parsed.UnmatchedTokens.Count > 0)
            return Misused(UsageMessage.Of(parsed, tree), composition);
        if (parsed.GetValue<bool>("--version"))
        {
            composition.Out.Write($"bal {Version}\n");
            return ExitCode.Ok;
        }
        if (parsed.CommandResult.Command == tree) return NothingGiven(tree, composition);
        // The commands are synchronous and end on signals by themselves.
        return parsed.Invoke(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        });
    }

    // 'bal help status' means 'bal status --help'; an unknown word after 'help' is reported as such.
    private static string[] Asked(string[] args, RootCommand tree)
    {
        if (args is not ["help", .. var path])
            return args;
        Command? command = tree;
        foreach (var word in path)
            command = command?.Subcommands.FirstOrDefault(c => c.Name == word || c.Aliases.Contains(word));
        return command is null ? path : [.. path, "--help"];
    }

    private static RootCommand Tree(CompositionRoot composition)
    {
        var config = Options.Config();
        var root = new RootCommand("An ultra-lightweight TCP load balancer: one binary, one YAML file.")
        {
            config,
            CheckCommand.Define(composition, config),
            DoctorCommand.Define(composition, config),
            StatusCommand.Define(composition, config),
            StatusCommand.DefineTop(composition, config),
            ReadyCommand.Define(composition, config),
            InitCommand.Define(composition, config),
            StartCommand.Define(composition, config),
            GracefulCommand.Define(composition, config),
            UpgradeCommand.Define(composition, config),
            StopCommand.Define(composition, config),
            DrainCommand.Define(composition, config),
            EnableCommand.Define(composition, config),
            WeightCommand.Define(composition, config),
            SessionsCommand.Define(composition, config),
            ExplainCommand.Define(composition, config),
            LogsCommand.Define(composition, config),
            ReplayCommand.Define(composition, config),
            DemoCommand.Define(composition),
            SimulateCommand.Define(composition, config),
            SchemaCommand.Define(composition),
        };
        root.HelpName = "bal";
        root.Subcommands.Add(CompleteCommand.Define(composition, root));
        // Without an action of its own the root would be refused before its case is looked at.
        root.SetAction(_ => ExitCode.Usage);
        root.Directives.Clear();
        foreach (var builtIn in root.Options.OfType<VersionOption>().ToList()) root.Options.Remove(builtIn);
        root.Options.Add(new Option<bool>("--version") { Description = "Print the version and exit" });
        return root;
    }

    private static int NothingGiven(RootCommand tree, CompositionRoot composition)
    {
        composition.Error.Write(HelpOf(tree.Parse(["--help"])));
        return ExitCode.Usage;
    }

    private static string HelpOf(ParseResult parsed)
    {
        var text = new StringWriter { NewLine = "\n" };
        _ = parsed.Invoke(new InvocationConfiguration { Output = text, ProcessTerminationTimeout = null });
        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static int Misused(string message, CompositionRoot composition)
    {
        composition.Error.Write(Printable.Line(message) + "\n");
        return ExitCode.Usage;
    }
}
