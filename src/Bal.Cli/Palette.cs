namespace Bal.Cli;

/// <summary>Colours the status word of a report; everything else stays plain.</summary>
internal static class Palette
{
    private const string Reset = "\e[0m";

    /// <summary>Colours what follows <c>result:</c> and <c>overall:</c>.</summary>
    internal static string Colour(string report)
    {
        var lines = report.Split('\n');
        for (var i = 0; i < lines.Length; i++)
            foreach (var label in (string[])["result: ", "overall: "])
                if (lines[i].StartsWith(label, StringComparison.Ordinal))
                    lines[i] = label + Of(lines[i][label.Length..]) + lines[i][label.Length..] + Reset;
        return string.Join('\n', lines);
    }

    private static string Of(string word) => word switch
    {
        "OK" => "\e[32m",
        "WARN" => "\e[33m",
        _ => "\e[31m",
    };
}
