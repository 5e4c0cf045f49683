namespace Bal.Domain.Primitives;

/// <summary>Reads the text of an IP address without making anything on the way, as the event loops must.</summary>
public static class AddressText
{
    /// <summary>
    /// Reads four decimal numbers (RFC 1123, 2.1, without leading zeros), or the forms of RFC 4291, 2.2.
    /// </summary>
    /// <param name="text">The address, in ASCII, and nothing else.</param>
    /// <param name="into">4 bytes for one of IPv4, 16 for one of IPv6; its content is undefined on failure.</param>
    public static bool TryRead(ReadOnlySpan<byte> text, Span<byte> into) =>
        into.Length == 4 ? TryReadV4(text, into) : TryReadV6(text, into);

    private static bool TryReadV4(ReadOnlySpan<byte> text, Span<byte> into)
    {
        for (var i = 0; i < 4; i++)
        {
            var end = i == 3 ? text.Length : text.IndexOf((byte)'.');
            if (end is < 1 or > 3 || (text[0] == '0' && end > 1))
                return false;
            var number = 0;
            foreach (var digit in text[..end])
            {
                if (!char.IsAsciiDigit((char)digit))
                    return false;
                number = (10 * number) + digit - '0';
            }

            if (number > byte.MaxValue)
                return false;
            into[i] = (byte)number;
            text = text[Math.Min(end + 1, text.Length)..];
        }

        return true;
    }

    private static bool TryReadV6(ReadOnlySpan<byte> text, Span<byte> into)
    {
        into.Clear();
        // Where "::" stands, and how many bytes have been read.
        var (gap, read) = (-1, 0);
        if (text.StartsWith("::"u8))
        {
            gap = 0;
            text = text[2..];
        }

        while (!text.IsEmpty)
        {
            if (read == 16)
                return false;
            var end = text.IndexOf((byte)':');
            if (end < 0 && text.Contains((byte)'.'))
            {
                if (read > 12 || !TryReadV4(text, into.Slice(read, 4)))
                    return false;
                read += 4;
                break;
            }

            if (!TryReadGroup(end < 0 ? text : text[..end], into.Slice(read, 2)))
                return false;
            read += 2;
            if (end < 0)
                break;
            text = text[(end + 1)..];
            // One colon has to be followed by a group.
            if (text.IsEmpty)
                return false;
            if (text[0] != ':')
                continue;
            if (gap >= 0)
                return false;
            gap = read;
            text = text[1..];
        }

        if (gap < 0)
            return read == 16;
        // "::" stands for one group at least.
        if (read > 14)
            return false;
        into[gap..read].CopyTo(into[(16 - read + gap)..]);
        into[gap..(16 - read + gap)].Clear();
        return true;
    }

    private static bool TryReadGroup(ReadOnlySpan<byte> digits, Span<byte> into)
    {
        if (digits.Length is < 1 or > 4)
            return false;
        var number = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiHexDigit((char)digit))
                return false;
            number = (16 * number) + (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        }

        (into[0], into[1]) = ((byte)(number >> 8), (byte)number);
        return true;
    }
}
