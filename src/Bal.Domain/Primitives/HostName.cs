namespace Bal.Domain.Primitives;

/// <summary>What a host name may consist of (RFC 1123, section 2.1), and the underscores that many have.</summary>
public static class HostName
{
    /// <summary>The most characters of a name, without a final dot (RFC 1035, section 2.3.4).</summary>
    public const int MaxLength = 253;

    /// <summary>The most characters between two dots.</summary>
    public const int MaxLabel = 63;

    /// <summary>Whether <paramref name="name"/> is one: not an address, and without a final dot.</summary>
    public static bool IsValid(ReadOnlySpan<char> name)
    {
        if (name.Length is 0 or > MaxLength)
            return false;
        while (name.IndexOf('.') is var dot and >= 0)
        {
            if (!IsLabel(name[..dot]))
                return false;
            name = name[(dot + 1)..];
        }

        return IsLabel(name) && !IsNumber(name);
    }

    /// <summary>
    /// Whether a label is a number, which the last one of a name never is, so that names and addresses stay apart.
    /// </summary>
    public static bool IsNumber(ReadOnlySpan<char> label)
    {
        if (label.IsEmpty)
            return false;
        var isHex = label.StartsWith("0x");
        // Not by a search for other characters, which allocates until it is compiled a second time.
        foreach (var c in isHex ? label[2..] : label)
        {
            if (!(isHex ? char.IsAsciiHexDigit(c) : char.IsAsciiDigit(c)))
                return false;
        }

        return true;
    }

    /// <summary>Whether a text may stand between two dots.</summary>
    public static bool IsLabel(ReadOnlySpan<char> label)
    {
        if (label.Length is 0 or > MaxLabel || label[0] == '-' || label[^1] == '-')
            return false;
        foreach (var c in label)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
                return false;
        }

        return true;
    }
}
