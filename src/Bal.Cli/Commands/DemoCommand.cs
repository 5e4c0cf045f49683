using System.CommandLine;
using Bal.Cli.Demo;
using Bal.Infrastructure.Process;

namespace Bal.Cli.Commands;

/// <summary>
/// <c>bal demo</c>: backends, balancer and traffic in one process, with a running account of what happens.
/// </summary>
internal static class DemoCommand
{
    internal static Command Define(CompositionRoot composition)
    {
        var seconds = Options.Seconds();
        var command =
            new Command("demo", "Watch bal balance three backends, one of which fails and comes back") { seconds };
        command.SetAction(parsed => Run(composition, LanguageExt.Prelude.Optional(parsed.GetValue(seconds))));
        return command;
    }

    /// <summary>
    /// Runs the demo for the given number of seconds; by default until interrupted, or for a while when not on a
    /// terminal.
    /// </summary>
    private static int Run(CompositionRoot composition, LanguageExt.Option<int> seconds)
    {
        ProcessSetup.DeferSignals();
        using var demo = new DemoRun(composition.Out);
        var length = seconds.IsNone && !composition.Out.IsTerminal
            ? LanguageExt.Prelude.Some(DemoRun.DefaultSeconds)
            : seconds;
        return demo.Run(length).Match(
            Right: code => code,
            Left: problem =>
            {
                composition.Error.Problem(problem);
                return ExitCode.Failure;
            });
    }
}
