using System.CommandLine;

namespace Bal.Cli;

/// <summary>The options that several commands share, each defined once.</summary>
internal static class Options
{
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

    internal static Option<bool> Json() => new("--json") { Description = "Print JSON" };

    internal static Option<bool> Verbose() => new("--verbose") { Description = "Print the details as well" };

    internal static Option<bool> Brief() => new("--brief")
    {
        Description = "Print the concise form (the default; wins over --verbose)",
    };

    /// <summary>The form that the options ask for.</summary>
    internal static ReportForm Form(bool json, bool verbose, bool brief) =>
        json ? ReportForm.Json : verbose && !brief ? ReportForm.Verbose : ReportForm.Concise;

    /// <summary>A whole number of seconds.</summary>
    internal static Option<int?> Seconds()
    {
        var option = new Option<int?>("--seconds")
        {
            Description = "End after so many seconds (1 to 86400)",
            HelpName = "N",
        };
        option.CustomParser = result =>
        {
            if (int.TryParse(result.Tokens[0].Value, out var seconds) && seconds is >= 1 and <= 86_400) return seconds;
            result.AddError($"--seconds needs a whole number from 1 to 86400, not '{result.Tokens[0].Value}'");
            return null;
        };
        return option;
    }
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
