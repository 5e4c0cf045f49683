using System.CommandLine;
using System.Globalization;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Infrastructure.Hosting;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary><c>bal weight</c>: another share for a backend than the file gives it.</summary>
internal static class WeightCommand
{
    private const string Default = "default";

    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var word = Ordering.Backend(ArgumentArity.ExactlyOne);
        var weight = new Argument<string>("N")
        {
            Description = "0 to 256 (0: no new clients), or 'default' for the one of the file",
        };
        weight.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && text != Default && Number(text) is null)
                result.AddError($"N is a whole number from 0 to {OrderLine.MostWeight}, or 'default', not "
                    + $"'{Printable.Short(text, 40)}'");
        });
        var (force, json) = (Ordering.Force(), Options.Json());
        var command = new Command("weight", "Give a backend another share of the clients than the file does")
        {
            force, json,
        };
        command.Arguments.Add(word);
        command.Arguments.Add(weight);
        command.SetAction(parsed => Ordering.Run(
            composition,
            Prelude.Optional(parsed.GetValue(config)),
            new OrderRequest(OrderKind.Weight, parsed.GetValue(word) ?? "")
            {
                Weight = Number(parsed.GetValue(weight) ?? "") is { } number
                    ? number
                    : LanguageExt.Option<int>.None,
                Force = parsed.GetValue(force),
            },
            parsed.GetValue(json)));
        return command;
    }

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number <= OrderLine.MostWeight
            ? number
            : null;
}
