using System.Text;
using Bal.Domain.Primitives;

namespace Bal.Domain.Messages;

/// <summary>A line of the log as people read it; what a problem advises follows on lines of its own.</summary>
/// <param name="Timestamp">RFC 3339, UTC.</param>
/// <param name="Level">Its level in capitals.</param>
/// <param name="Module">The part of bal that says it.</param>
/// <param name="Message">What happened.</param>
/// <param name="WhyLikely">Of a problem; empty where it is none.</param>
/// <param name="DoThisNow">Of a problem; empty where it is none.</param>
public sealed record LogText(
    string Timestamp, string Level, string Module, string Message, string WhyLikely, string DoThisNow)
{
    // The longest level.
    private const int LevelWidth = 5;

    /// <summary>The lines, each with a newline at its end; nothing in them can steer a terminal.</summary>
    /// <param name="prefix">Before each line.</param>
    public string ToLines(string prefix = "")
    {
        var text = new StringBuilder();
        Line($"{Timestamp} {Level.PadRight(LevelWidth)} {Module}: {Message}");
        if (WhyLikely.Length > 0)
            Line($"  why_likely: {WhyLikely}");
        if (DoThisNow.Length > 0)
            Line($"  do_this_now: {DoThisNow}");
        return text.ToString();

        void Line(string line) => text.Append(prefix).Append(Printable.Line(line)).Append('\n');
    }
}
