namespace Bal.Domain.Primitives;

/// <summary>IPv4 addresses written as IPv6 ones (RFC 4291, 2.5.5.2), in network order.</summary>
public static class Ipv4Mapped
{
    private static ReadOnlySpan<byte> Prefix => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

    /// <summary>The four bytes of a mapped address; any other one as it is.</summary>
    public static ReadOnlySpan<byte> Plain(ReadOnlySpan<byte> address) =>
        address.Length == 16 && address.StartsWith(Prefix) ? address[12..] : address;
}
