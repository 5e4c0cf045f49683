using System.Globalization;
using Bal.Infrastructure.Json;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>The request <c>stop [MILLISECONDS]</c> of the control socket and its answer.</summary>
public static class Stopping
{
    /// <summary>The longest drain that can be asked for, in seconds.</summary>
    public const int MostSeconds = int.MaxValue / 1_000;

    private const string Request = "stop ";

    /// <summary>The request for a drain of at most <paramref name="within"/>.</summary>
    public static string RequestOf(Option<Duration> within) => within.Match(
        time => string.Create(CultureInfo.InvariantCulture, $"{Request}{time.Milliseconds}"), () => "stop");

    /// <summary>The time that a request names; null where it is no such request.</summary>
    internal static Duration? TimeOf(string request) =>
        request.StartsWith(Request, StringComparison.Ordinal)
            && long.TryParse(
                request.AsSpan(Request.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            && value <= int.MaxValue
            ? new Duration(value)
            : null;

    /// <summary>The answer; without a time where an upgrade under way has to end first.</summary>
    internal static byte[] Write(Option<Duration> within) => JsonReport.Write(json =>
    {
        json.WriteBoolean("stopping", true);
        json.WriteNumber("pid", Environment.ProcessId);
        within.Match(
            Some: time => json.WriteNumber("ends_within_ms", time.Milliseconds),
            None: () => json.WriteNull("ends_within_ms"));
    });
}
