using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;

namespace Bal.Cli;

/// <summary>The options that several commands share, each defined once.</summary>
internal static class Options
{
    // The longest name of a service, and the longest host name (RFC 1035) in brackets with a port.
    private const int MaxWord = 64 + 264;

    internal static Option<string?> Config()
    {
        var option = new Option<string?>("--config", "-c")
        {
            Description =
                "Configuration file (else BAL_CONFIG, then config.yaml in BAL_HOME, then /etc/bal/config.yaml)",
            HelpName = "FILE",
            Recursive = true,
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: "" }]) result.AddError("--config needs the path of a FILE");
        });
        return option;
    }

    /// <summary>With <see cref="Backends"/> the configuration in place of a file.</summary>
    internal static Option<string?> Listen() => new("--listen")
    {
        Description = "Listen on this address (0.0.0.0:9295 by default)",
        HelpName = "ADDR:PORT",
    };

    /// <summary>See <see cref="Listen"/>.</summary>
    internal static Option<string[]> Backends(string purpose) => new("--backend")
    {
        Description = purpose,
        HelpName = "HOST:PORT",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    /// <summary>What <see cref="Listen"/> and <see cref="Backends"/> say; none where they are not given.</summary>
    internal static LanguageExt.Option<GivenConfig> Given(
        SymbolResult result, Option<string?> listen, Option<string[]> backends)
    {
        var given = new GivenConfig(
            LanguageExt.Prelude.Optional(result.GetResult(listen)?.GetValueOrDefault<string?>()),
            new LanguageExt.Arr<string>(result.GetResult(backends)?.GetValueOrDefault<string[]>() ?? []));
        return given.Listen.IsSome || !given.Backends.IsEmpty ? given : LanguageExt.Option<GivenConfig>.None;
    }

    /// <summary>What is wrong with them, as wrong usage.</summary>
    internal static void Check(CommandResult result, Option<string?> listen, Option<string[]> backends)
    {
        foreach (var given in Given(result, listen, backends).AsEnumerable())
            if (given.Backends.IsEmpty)
                result.AddError("--listen needs --backend HOST:PORT beside it");
            else
                foreach (var error in given.Validate(HostFacts.Unknown).Findings)
                    if (error.Severity == Severity.Error)
                        result.AddError($"{error.Message}; {error.Hint}");
    }

    internal static Option<bool> Json() => new("--json") { Description = "Print JSON" };

    internal static Option<bool> Verbose() => new("--verbose") { Description = "Also print the details" };

    internal static Option<bool> Brief() => new("--brief")
    {
        Description = "Print the concise form (the default; wins over --verbose)",
    };

    /// <summary>The form that the options ask for.</summary>
    internal static ReportForm Form(bool json, bool verbose, bool brief) =>
        json ? ReportForm.Json : verbose && !brief ? ReportForm.Verbose : ReportForm.Concise;

    /// <summary>A service or a backend by its name.</summary>
    internal static Argument<string?> Word(string name, string meaning, ArgumentArity arity)
    {
        var word = new Argument<string?>(name) { Description = meaning, Arity = arity };
        word.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }]
                && (text.Length is 0 or > MaxWord || text.Any(IsForeign) || UsageMessage.IsOption(text)))
                result.AddError($"a {name} is {meaning}");
        });
        return word;
    }

    /// <summary>A whole number of seconds.</summary>
    internal static Option<int?> Seconds() =>
        SecondsOf("--seconds", "Stop after this many seconds (1 to 86400)", "N", most: 86_400);

    /// <summary>A whole number of seconds; null where it is not given.</summary>
    internal static Option<int?> SecondsOf(
        string name, string description, string shown, int most, int least = 1)
    {
        var option = new Option<int?>(name) { Description = description, HelpName = shown };
        option.CustomParser = result =>
        {
            var word = result.Tokens[0].Value;
            if (int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number >= least && number <= most)
                return number;
            result.AddError(string.Create(CultureInfo.InvariantCulture,
                $"{name} needs a whole number of seconds from {least} to {most}, "
                    + $"not '{Printable.Short(word, 40)}'"));
            return null;
        };
        return option;
    }

    private static bool IsForeign(char c) => char.IsControl(c) || char.IsWhiteSpace(c);
}

/// <summary>How a report is printed.</summary>
internal enum ReportForm
{
    /// <summary>A few stable labels and every problem.</summary>
    Concise,

    /// <summary>The concise form with the details.</summary>
    Verbose,

    /// <summary>Indented JSON.</summary>
    Json,
}
