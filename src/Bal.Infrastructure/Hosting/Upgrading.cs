using System.Globalization;
using Bal.Domain.Messages;
using Bal.Infrastructure.Json;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>The request <c>upgrade MILLISECONDS</c> of the control socket and its answer.</summary>
public static class Upgrading
{
    /// <summary>How long the new process may take until it is ready, where nothing else is asked for.</summary>
    public static readonly Duration DefaultPatience = new(30_000);

    /// <summary>The longest that can be asked for.</summary>
    public static readonly Duration MaxPatience = new(600_000);

    private const string Request = "upgrade ";

    /// <summary>The patience that a request names; null where it is no such request.</summary>
    internal static Duration? PatienceOf(string request) =>
        request.StartsWith(Request, StringComparison.Ordinal)
            && long.TryParse(
                request.AsSpan(Request.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            && value >= 1 && value <= MaxPatience.Milliseconds
            ? new Duration(value)
            : null;

    /// <summary>The answer.</summary>
    internal static byte[] Write(Either<Problem, int> outcome, int previousPid) => JsonReport.Write(json =>
    {
        json.WriteBoolean("upgraded", outcome.IsRight);
        json.WriteNumber("previous_pid", previousPid);
        outcome.Match(
            Right: pid =>
            {
                json.WriteNumber("pid", pid);
                json.WriteNull("problem");
            },
            Left: problem =>
            {
                json.WriteNull("pid");
                json.WriteStartObject("problem");
                ReloadJson.WriteProblemMembers(json, problem);
                json.WriteEndObject();
            });
    });
}
