using System.Text.RegularExpressions;

namespace Bal.EndToEnd.Servers;

/// <summary>A file of sample/checks as its reader would use it: word by word, with servers of his own.</summary>
internal static partial class CheckSample
{
    /// <summary>The sample with these backends, asked every so often.</summary>
    /// <param name="name">Its file.</param>
    /// <param name="backends">Address and port of each.</param>
    /// <param name="port">The port that is asked; the sample's where it has one and this is null.</param>
    /// <param name="interval">The time from check to check, in milliseconds.</param>
    /// <param name="timeout">How long one may take, in milliseconds.</param>
    public static BalFile Of(
        string name, string[] backends, int? port = null, int interval = 50, int timeout = 5_000)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "sample", "checks", name + ".yaml"));
        var keys = Before().Replace(text, "");
        if (port is { } other)
            keys = AskedPort().Replace(keys, $"  port: {other}");
        return (new BalFile(Ports.Free(), backends) { More = keys })
            .With("health_check_interval_ms", interval).With("health_check_timeout_ms", timeout)
            .With("health_check_fail_threshold", 2).With("health_check_success_threshold", 1);
    }

    // What BalFile says itself.
    [GeneratedRegex(@"^(#.*|port:.*|backends:.*)\n", RegexOptions.Multiline)]
    private static partial Regex Before();

    [GeneratedRegex(@"^  port: \d+", RegexOptions.Multiline)]
    private static partial Regex AskedPort();
}
