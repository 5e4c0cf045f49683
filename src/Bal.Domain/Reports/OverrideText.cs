using System.Globalization;
using Bal.Domain.Control;

namespace Bal.Domain.Reports;

/// <summary>What an operator has ordered, in words.</summary>
public static class OverrideText
{
    /// <summary>What holds, and who said so.</summary>
    public static string Of(Override held) =>
        string.Join(" and ", new[]
        {
            held.Drained ? "drained" : "",
            held.Weight.Match(weight => string.Create(CultureInfo.InvariantCulture, $"weight {weight}"), () => ""),
        }.Where(part => part.Length > 0)) + $", by {held.By.Name} (uid={held.By.Uid}) at {Time(held.By.At)}";

    /// <summary>A time by the wall clock, in milliseconds since 1970.</summary>
    public static string Time(long at) =>
        string.Create(CultureInfo.InvariantCulture, $"{At(at).UtcDateTime:yyyy-MM-dd HH:mm:ss}Z");

    /// <summary>The same as a date; the nearest one where a damaged log says one that there is not.</summary>
    public static DateTimeOffset At(long at) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(at, 0, 253_402_300_799_999));
}
