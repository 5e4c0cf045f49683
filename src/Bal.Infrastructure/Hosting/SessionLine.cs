using System.Globalization;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>Which sessions are listed.</summary>
/// <param name="Sort">In which order.</param>
/// <param name="Most">How many at most.</param>
public sealed record SessionList(SessionSort Sort, int Most);

/// <summary>
/// The requests of the control socket about open connections: <c>sessions SORT N</c> and
/// <c>sessions reset CIDR|BACKEND</c>.
/// </summary>
public static class SessionLine
{
    internal const string ResetPrefix = "sessions reset ";

    /// <summary>The request for a list.</summary>
    public static string Of(SessionList list) =>
        string.Create(CultureInfo.InvariantCulture, $"sessions {list.Sort.Word} {list.Most}");

    /// <summary>The request for the end of what a word means.</summary>
    public static string OfReset(string word) => ResetPrefix + word;

    /// <summary>The list that a request asks for; none where it is no such request.</summary>
    internal static Option<SessionList> ListOf(string request) =>
        request.Split(' ') is ["sessions", var sort, var most] ? ListOf(sort, most) : Option<SessionList>.None;

    /// <summary>The list that two words ask for.</summary>
    internal static Option<SessionList> ListOf(string sort, string most) => SessionSort.Of(sort).Bind(known =>
        int.TryParse(most, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number is > 0 and <= SessionSort.Most
            ? Option<SessionList>.Some(new(known, number))
            : Option<SessionList>.None);
}
