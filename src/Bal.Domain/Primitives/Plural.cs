using System.Globalization;

namespace Bal.Domain.Primitives;

/// <summary>A number with the word for what is counted.</summary>
public static class Plural
{
    /// <summary><c>1 backend</c>, <c>2 backends</c>.</summary>
    /// <param name="count">How many.</param>
    /// <param name="one">The word for one; an <c>s</c> makes it several.</param>
    public static string Of(long count, string one) => Of(count, one, one + "s");

    /// <summary><c>1 success</c>, <c>2 successes</c>.</summary>
    /// <param name="count">How many.</param>
    /// <param name="one">The word for one.</param>
    /// <param name="several">The word for any other number.</param>
    public static string Of(long count, string one, string several) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : several)}");
}
