using System.Globalization;

namespace Bal.Infrastructure.Process;

/// <summary>
/// What a PID file says. It is shown, compared and never believed: who runs is told by the lock alone.
/// </summary>
public abstract record PidContent
{
    /// <summary>The most bytes that are read; more than any process id takes.</summary>
    internal const int MaxBytes = 64;

    private PidContent() { }

    /// <summary>Nothing, or nothing but white space.</summary>
    public sealed record Empty : PidContent;

    /// <summary>A possible process id.</summary>
    /// <param name="Value">1..2^31-1.</param>
    public sealed record Pid(int Value) : PidContent;

    /// <summary>0, which kill(2) takes for the caller's whole process group.</summary>
    public sealed record Zero : PidContent;

    /// <summary>A negative number, which kill(2) takes for a process group or for everybody.</summary>
    public sealed record Negative : PidContent;

    /// <summary>No number that a process id can be.</summary>
    public sealed record Corrupt : PidContent;

    /// <summary>More than 64 bytes.</summary>
    public sealed record Huge : PidContent;

    /// <summary>Applies the function of the case that this content is.</summary>
    public T Match<T>(
        Func<T> empty, Func<int, T> pid, Func<T> zero, Func<T> negative, Func<T> corrupt, Func<T> huge) => this switch
        {
            Empty => empty(),
            Pid p => pid(p.Value),
            Zero => zero(),
            Negative => negative(),
            Corrupt => corrupt(),
            Huge => huge(),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    /// <summary>In words: <c>empty</c>, <c>pid 4711</c>, <c>zero</c>, …</summary>
    public string ToText() => Match(
        () => "empty",
        pid => string.Create(CultureInfo.InvariantCulture, $"pid {pid}"),
        () => "the number zero",
        () => "a negative number",
        () => "not a process id",
        () => $"longer than {MaxBytes} bytes");

    /// <summary>Reads the first bytes of a file; total over every text.</summary>
    internal static PidContent Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxBytes) return new Huge();
        var text = bytes.Trim(" \t\r\n"u8);
        if (text.IsEmpty) return new Empty();
        var negative = text[0] == (byte)'-';
        var digits = negative ? text[1..] : text;
        if (digits.IsEmpty || digits.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0) return new Corrupt();
        if (digits.IndexOfAnyExcept((byte)'0') < 0) return new Zero();
        if (negative) return new Negative();
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            ? new Pid(pid)
            : new Corrupt();
    }
}
