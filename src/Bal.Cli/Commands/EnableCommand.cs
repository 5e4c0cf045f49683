using System.CommandLine;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary><c>bal enable</c>: a backend is used as the file says again.</summary>
internal static class EnableCommand
{
    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var word = Ordering.Backend(ArgumentArity.ZeroOrOne);
        var all = new System.CommandLine.Option<bool>("--all") { Description = "Every backend of every service" };
        var json = Options.Json();
        var command = new Command("enable", "Use a backend as the file says: ends a drain and a weight by command")
        {
            all, json,
        };
        command.Arguments.Add(word);
        command.Validators.Add(result =>
        {
            var named = result.GetResult(word) is { Tokens.Count: > 0 };
            if (named == (result.GetResult(all) is { Implicit: false }))
                result.AddError("'bal enable' needs either a BACKEND or --all");
        });
        command.SetAction(parsed => Ordering.Run(
            composition,
            Prelude.Optional(parsed.GetValue(config)),
            parsed.GetValue(all)
                ? new OrderRequest(OrderKind.EnableAll, "")
                : new OrderRequest(OrderKind.Enable, parsed.GetValue(word) ?? ""),
            parsed.GetValue(json)));
        return command;
    }
}
