using System.CommandLine;
using System.Text;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using Bal.Infrastructure.Json;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary>
/// <c>bal ready</c>: whether this instance should get new clients, as an exit code for keepalived and similar tools. It
/// never takes longer than a second, whatever the daemon does.
/// </summary>
internal static class ReadyCommand
{
    // The rest of the second is for starting this process on a busy machine.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(600);

    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var backends = new System.CommandLine.Option<bool>("--backends")
        {
            Description = "Also require a backend that is up: in each SERVICE named, or in every service if none is",
        };
        var services = new Argument<string[]>("SERVICE")
        {
            Description = "A service, with --backends",
            Arity = ArgumentArity.ZeroOrMore,
        };
        services.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => UsageMessage.IsOption(token.Value)))
                result.AddError("SERVICE is the name of a service");
            else if (result.Tokens.Count > 0 && result.GetResult(backends) is null or { Implicit: true })
                result.AddError("SERVICE is only valid with --backends");
        });
        var command = new Command("ready", "Exit with 0 if this instance accepts clients and is not stopping, else 1")
        {
            backends,
        };
        command.Arguments.Add(services);
        command.SetAction(parsed => Run(
            composition,
            Prelude.Optional(parsed.GetValue(config)),
            parsed.GetValue(backends),
            new Arr<string>(parsed.GetValue(services) ?? [])));
        return command;
    }

    private static int Run(
        CompositionRoot composition, LanguageExt.Option<string> config, bool withBackends, Arr<string> named)
    {
        var whyNot = composition.AskedHome().Bind(RunningDaemon.In).Bind(daemon =>
        {
            using (daemon)
                return daemon.Ask("ready", Patience).Bind(answer => ControlAnswer.Parse(answer)
                    .Bind(_ => daemon.Check(config.Map(composition.Absolute), answer))
                    .Bind(_ => Read(answer)));
        }).Match(
            Right: report => report.WhyNot(withBackends, named),
            Left: problem => problem.WhatHappened);
        return whyNot.Match(
            Some: why =>
            {
                composition.Out.Write($"ready: no: {Domain.Primitives.Printable.Line(why)}\n");
                return ExitCode.Failure;
            },
            None: () =>
            {
                composition.Out.Write("ready: yes\n");
                return ExitCode.Ok;
            });
    }

    private static Either<Problem, ReadyReport> Read(string answer) =>
        ReadyJson.Read(Encoding.UTF8.GetBytes(answer)).MapLeft(why => new Problem(
            "control_answer_unknown", $"the answer from the daemon was not understood: {why}", "", ""));
}
