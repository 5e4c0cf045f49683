using System.CommandLine;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary><c>bal init</c>: writes a first configuration file where commands look for it.</summary>
internal static class InitCommand
{
    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var listen = Options.Listen();
        var backends = Options.Backends("A backend; may be repeated");
        var command = new Command("init", "Write a first configuration file; asks for what is not given")
        {
            listen, backends,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(backends) is not null)
                Options.Check(result, listen, backends);
            else if (!StandardStream.Asks)
                result.AddError("there is no terminal to ask for backends: give --backend HOST:PORT");
        });
        command.SetAction(parsed =>
        {
            var given = Options.Given(parsed.CommandResult, listen, backends)
                .IfNone(new GivenConfig(LanguageExt.Option<string>.None, Arr<string>.Empty));
            return composition.Home()
                .Bind(home => Place(composition, home, Prelude.Optional(parsed.GetValue(config)))
                    .Bind(file => Asked(composition, given).Bind(all => Write(home, file, all))))
                .Match(
                    Right: file =>
                    {
                        var named = parsed.GetValue(config) is null ? "" : $" -c {file}";
                        composition.Out.Write(
                            $"created: {file}\nnext: run 'bal check{named}', then 'bal start -d{named}'\n");
                        return ExitCode.Ok;
                    },
                    Left: problem =>
                    {
                        composition.Error.Problem(problem);
                        return ExitCode.Failure;
                    });
        });
        return command;
    }

    // Where commands will find it, and nothing is yet.
    private static Either<Problem, string> Place(
        CompositionRoot composition, BalHome home, LanguageExt.Option<string> argument) =>
        composition.Config(home, argument).Match<Either<Problem, string>>(
            found: file => Exists(file.Path),
            missing: none => none.LookedAt[0]);

    private static Problem Exists(string file) => new(
        "config_exists",
        $"{file} is there already and was left alone",
        "bal was set up before, or another tool wrote the file",
        $"edit it and run 'bal check', or name another file: bal init -c FILE");

    private static Either<Problem, GivenConfig> Asked(CompositionRoot composition, GivenConfig given)
    {
        if (!StandardStream.Asks)
            return given;
        while (given.Listen.IsNone)
        {
            if (Ask(composition, "Listen on (0.0.0.0:9295): ") is not { } listen)
                return Ended;
            if (listen.Length == 0)
                break;
            if (IsRight(composition, new GivenConfig(listen, Prelude.Array("127.0.0.1:9"))))
                given = given with { Listen = listen };
        }

        for (var asks = given.Backends.IsEmpty; asks;)
        {
            var more = !given.Backends.IsEmpty;
            if (Ask(composition, more ? "Another backend (none): " : "Backend, as HOST:PORT: ") is not { } backend)
                return Ended;
            var next = given with { Backends = given.Backends.Add(backend) };
            if (backend.Length > 0 && IsRight(composition, next))
                given = next;
            asks = backend.Length > 0 || !more;
        }

        return given;
    }

    private static bool IsRight(CompositionRoot composition, GivenConfig given)
    {
        var error = given.Validate(HostFacts.Unknown).Findings.Find(finding => finding.Severity == Severity.Error);
        error.IfSome(finding => composition.Error.Write($"{finding.Message}; {finding.Hint}\n"));
        return error.IsNone;
    }

    private static string? Ask(CompositionRoot composition, string question)
    {
        composition.Error.Write(question);
        return StandardStream.ReadLine()?.Trim();
    }

    private static Problem Ended => new(
        "init_ended", "nothing was written: the input ended", "Ctrl-D was pressed",
        "run 'bal init' again, or give --listen and --backend");

    private static Either<Problem, string> Write(BalHome home, string file, GivenConfig given) =>
        given.Validate(LinuxHostFacts.Gather()).Config.Match(
            Some: config => (Path.GetDirectoryName(file) == home.Root ? home.Ensure() : Unit.Default)
                .Bind(_ => NewFile.Write(file, StarterFile.Text(config.Main), isOwn: file == home.ConfigFile)
                    .MapLeft(fault => fault.Length == 0 ? Exists(file) : NotWritten(file, fault)))
                .Map(_ => file),
            None: () => NotWritten(file, "what was given is not valid"));

    private static Problem NotWritten(string file, string fault) => new(
        "config_not_written",
        $"{Printable.Line(file)} could not be written: {fault}",
        "the directory does not exist, or belongs to another user",
        "create the directory, or name another file: bal init -c FILE");
}
