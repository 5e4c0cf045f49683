using System.Globalization;
using System.Net;
using System.Net.Sockets;
using LanguageExt;

namespace Bal.Domain.Admission;

/// <summary>
/// Addresses that have their first bits in common (RFC 4632). IPv4 inside of IPv6 (RFC 4291, 2.5.5.2) is IPv4 here.
/// </summary>
/// <param name="IsIPv6">The family.</param>
/// <param name="First">The first address as a number; of IPv4 in the last 32 bits.</param>
/// <param name="Last">The last one.</param>
public readonly record struct Network(bool IsIPv6, UInt128 First, UInt128 Last)
{
    /// <summary>The longest text of a network.</summary>
    internal const int LongestText = 49;

    /// <summary>How many of the first bits are given.</summary>
    public int Prefix => (IsIPv6 ? 128 : 32) - (int)UInt128.PopCount(First ^ Last);

    /// <summary>
    /// Reads an address or <c>ADDRESS/PREFIX</c>: decimal IPv4 without leading zeros, IPv6 without a zone.
    /// </summary>
    internal static Either<NetworkFault, Network> Read(ReadOnlySpan<char> text)
    {
        var slash = text.IndexOf('/');
        var host = slash < 0 ? text : text[..slash];
        var (v6, address) = (host.Contains(':'), UInt128.Zero);
        if (!(v6 ? TryIPv6(host, out address) : TryIPv4(host, out address)))
            return new NetworkFault("not an address or a network", "write it as 10.0.0.0/8, 10.1.2.3 or 2001:db8::/32");
        var bits = v6 ? 128 : 32;
        var prefix = bits;
        if (slash >= 0 && !TryNumber(text[(slash + 1)..], bits, out prefix))
            return new NetworkFault($"the prefix is not a number from 0 to {bits}", "write it as in 10.0.0.0/8");
        if (v6 && prefix >= 96 && address >> 32 == 0xffff)
            (v6, bits, prefix, address) = (false, 32, prefix - 96, address & uint.MaxValue);

        var rest = prefix == 0
            ? v6 ? UInt128.MaxValue : uint.MaxValue
            : (UInt128.One << (bits - prefix)) - 1;
        var network = new Network(v6, address & ~rest, address | rest);
        return network.First == address
            ? network
            : new NetworkFault("it has bits set behind its prefix", $"the network meant may be {network}");
    }

    /// <summary><c>ADDRESS/PREFIX</c>, or the address alone where it is the only one.</summary>
    public override string ToString() =>
        First == Last ? $"{AddressOf(First)}" : string.Create(
            CultureInfo.InvariantCulture, $"{AddressOf(First)}/{Prefix}");

    private IPAddress AddressOf(UInt128 number)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new IPAddress(IsIPv6 ? bytes : bytes[12..]);
    }

    private static bool TryIPv4(ReadOnlySpan<char> text, out UInt128 address)
    {
        address = 0;
        for (var part = 0; part < 4; part++)
        {
            var dot = part < 3 ? text.IndexOf('.') : text.Length;
            if (dot < 0 || !TryNumber(text[..dot], 255, out var number))
                return false;
            address = (address << 8) | (uint)number;
            text = part < 3 ? text[(dot + 1)..] : [];
        }

        return true;
    }

    private static bool TryIPv6(ReadOnlySpan<char> text, out UInt128 address)
    {
        address = 0;
        // IPAddress.TryParse takes zones, brackets and ports as well, and IPv4 behind the last colon in many forms.
        var tail = text[(text.LastIndexOf(':') + 1)..];
        if (text.ContainsAnyExcept("0123456789abcdefABCDEF:.") || (tail.Contains('.') && !TryIPv4(tail, out _))
            || !IPAddress.TryParse(text, out var parsed) || parsed.AddressFamily != AddressFamily.InterNetworkV6)
            return false;
        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out _);
        address = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<char> text, int most, out int number)
    {
        number = 0;
        return text.Length is > 0 and <= 3 && !text.ContainsAnyExceptInRange('0', '9')
            && (text.Length == 1 || text[0] != '0')
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= most;
    }
}

/// <summary>Why a text is no network.</summary>
/// <param name="Reason">What is wrong with it.</param>
/// <param name="Hint">What to write.</param>
internal sealed record NetworkFault(string Reason, string Hint);
