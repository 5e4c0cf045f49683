using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Bal.Domain.Primitives;

namespace Bal.Domain.Relay;

/// <summary>The form of a PROXY header.</summary>
public enum ProxyVersion
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>A line of text.</summary>
    V1,

    /// <summary>Binary.</summary>
    V2,
}

/// <summary>How far the bytes that a connection began with make a PROXY header.</summary>
public enum ProxyHeaderPart
{
    /// <summary>They can become one.</summary>
    Incomplete,

    /// <summary>They can't.</summary>
    Invalid,

    /// <summary>They begin with one.</summary>
    Whole,
}

/// <summary>
/// The header with which a proxy says whom it speaks for (haproxy.org, doc/proxy-protocol.txt): text or binary, at the
/// very beginning of a connection.
/// </summary>
/// <param name="Part">How far it has come.</param>
/// <param name="Length">
/// Where it is whole, its bytes. Where it is incomplete, how many bytes there must be, of it and whatever follows, for
/// another look to be worth while: never more than its sender will send.
/// </param>
/// <param name="IsLocal">The proxy connects for its own sake (LOCAL), as to check: nobody stands behind it.</param>
/// <param name="Source">The client; unknown where the header does not say, and the peer of the socket counts.</param>
/// <param name="Destination">Where that client connected to; known where <paramref name="Source"/> is.</param>
public readonly record struct ProxyHeader(
    ProxyHeaderPart Part, int Length, bool IsLocal, InetEndpoint Source, InetEndpoint Destination)
{
    /// <summary>The longest header: the fixed part of version 2 and 65,535 bytes.</summary>
    public const int Longest = FixedLength + ushort.MaxValue;

    /// <summary>The longest one that <see cref="Write"/> writes.</summary>
    public const int LongestWritten = LongestLine;

    // A line with its CR LF, in the worst case of version 1.
    private const int LongestLine = 107;

    // The shortest line is "PROXY UNKNOWN\r\n".
    private const int ShortestLine = 15;
    private const int FixedLength = 16;
    private const int Checksum = 3;

    // Version 2, and the command.
    private const byte Local = 0x20;
    private const byte Relayed = 0x21;

    private static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    private static ReadOnlySpan<byte> LineStart => "PROXY "u8;

    private static readonly ProxyHeader Invalid = new(ProxyHeaderPart.Invalid, 0, false, default, default);

    /// <summary>Reads a header; looks at nothing that comes after it.</summary>
    /// <param name="bytes">What has arrived from the beginning of the connection on.</param>
    public static ProxyHeader Read(ReadOnlySpan<byte> bytes) =>
        bytes.IsEmpty ? Awaits(ShortestLine)
        : BeginsLike(bytes, Signature) ? ReadBinary(bytes)
        : BeginsLike(bytes, LineStart) ? ReadLine(bytes)
        : Invalid;

    /// <summary>
    /// Writes the header of a connection behind which nobody stands, as of a check: LOCAL, and UNKNOWN as text, which
    /// has no other word for it. Returns its length.
    /// </summary>
    /// <param name="into">At least <see cref="LongestWritten"/> bytes.</param>
    /// <param name="version">Its form.</param>
    public static int WriteLocal(Span<byte> into, ProxyVersion version)
    {
        var length = Write(into, version, InetEndpoint.None, InetEndpoint.None);
        if (version == ProxyVersion.V2)
            into[12] = Local;
        return length;
    }

    /// <summary>Writes the header for a client; returns its length.</summary>
    /// <param name="into">At least <see cref="LongestWritten"/> bytes.</param>
    /// <param name="version">Its form.</param>
    /// <param name="source">The client; where it is unknown, so is the client to whoever reads it.</param>
    /// <param name="destination">Where the client connected to.</param>
    public static int Write(Span<byte> into, ProxyVersion version, InetEndpoint source, InetEndpoint destination)
    {
        if (version == ProxyVersion.None)
            return 0;
        if (version == ProxyVersion.V1)
            return WriteLine(into, source, destination);
        var known = source.IsKnown && destination.IsKnown;
        // Both have to be of one family: that of IPv6 has a place for the addresses of IPv4.
        var size = !known ? 0 : source.Length == 4 && destination.Length == 4 ? 4 : 16;
        Signature.CopyTo(into);
        into[12] = Relayed;
        into[13] = (byte)(size == 0 ? 0 : size == 4 ? 0x11 : 0x21);
        var length = size == 0 ? 0 : (2 * size) + 4;
        BinaryPrimitives.WriteUInt16BigEndian(into[14..], (ushort)length);
        if (size > 0)
        {
            WriteHost(into.Slice(16, size), source);
            WriteHost(into.Slice(16 + size, size), destination);
            BinaryPrimitives.WriteUInt16BigEndian(into[(16 + (2 * size))..], source.Port);
            BinaryPrimitives.WriteUInt16BigEndian(into[(18 + (2 * size))..], destination.Port);
        }

        return FixedLength + length;
    }

    private static bool BeginsLike(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> start) =>
        bytes.Length < start.Length ? start.StartsWith(bytes) : bytes.StartsWith(start);

    private static ProxyHeader Awaits(int length) => new(ProxyHeaderPart.Incomplete, length, false, default, default);

    private static ProxyHeader Whole(int length, InetEndpoint source = default, InetEndpoint destination = default) =>
        new(ProxyHeaderPart.Whole, length, false, source, destination);

    private static ProxyHeader ReadBinary(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < FixedLength)
            return Awaits(FixedLength);
        var (version, command, family) = (bytes[12] >> 4, bytes[12] & 15, bytes[13]);
        if (version != 2 || command > 1)
            return Invalid;
        var length = FixedLength + BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        if (bytes.Length < length)
            return Awaits(length);
        var rest = bytes[FixedLength..length];
        // What a LOCAL connection says beyond its length is to be skipped.
        if (command == 0)
            return Whole(length) with { IsLocal = true };
        var addresses = (family >> 4, family & 15) switch
        {
            (0, <= 2) => 0,
            (1, 1 or 2) => 12,
            (2, 1 or 2) => 36,
            (3, 1 or 2) => 216,
            _ => -1,
        };
        // Of what has no family nothing but the length is defined.
        if (addresses < 0 || rest.Length < addresses)
            return Invalid;
        if (addresses > 0 && !AreSound(rest[addresses..], bytes[..length], FixedLength + addresses))
            return Invalid;
        return family switch
        {
            0x11 => Whole(length, Endpoint(rest, 0, 4), Endpoint(rest, 1, 4)),
            0x21 => Whole(length, Endpoint(rest, 0, 16), Endpoint(rest, 1, 16)),
            // No address of TCP over IP: the peer itself counts.
            _ => Whole(length),
        };
    }

    private static InetEndpoint Endpoint(ReadOnlySpan<byte> rest, int which, int size) => InetEndpoint.Of(
        rest.Slice(which * size, size), BinaryPrimitives.ReadUInt16BigEndian(rest[((2 * size) + (2 * which))..]));

    // Whether the fields behind the addresses end where the header does, and the checksum holds where one is given.
    private static bool AreSound(ReadOnlySpan<byte> fields, ReadOnlySpan<byte> header, int at)
    {
        while (fields.Length > 0)
        {
            if (fields.Length < 3)
                return false;
            var size = BinaryPrimitives.ReadUInt16BigEndian(fields[1..]);
            if (fields.Length < 3 + size)
                return false;
            if (fields[0] == Checksum && (size != 4
                || BinaryPrimitives.ReadUInt32BigEndian(fields[3..]) != Crc(header, at + 3)))
                return false;
            fields = fields[(3 + size)..];
            at += 3 + size;
        }

        return true;
    }

    // CRC32c (RFC 4960, appendix B) of the header, as if the four bytes of the checksum itself were zero.
    private static uint Crc(ReadOnlySpan<byte> header, int own)
    {
        var crc = uint.MaxValue;
        for (var i = 0; i < header.Length; i++)
            crc = BitOperations.Crc32C(crc, i >= own && i < own + 4 ? (byte)0 : header[i]);
        return ~crc;
    }

    private static ProxyHeader ReadLine(ReadOnlySpan<byte> bytes)
    {
        var line = bytes[..Math.Min(bytes.Length, LongestLine)];
        var end = line.IndexOf("\r\n"u8);
        if (end < 0)
        {
            // A CR is followed by the LF, which may come alone.
            return bytes.Length >= LongestLine ? Invalid : Awaits(Math.Max(ShortestLine, bytes.Length + 1));
        }

        line = line[LineStart.Length..end];
        var protocol = Take(ref line);
        if (protocol.SequenceEqual("UNKNOWN"u8))
            return Whole(end + 2);
        var size = protocol.SequenceEqual("TCP4"u8) ? 4 : protocol.SequenceEqual("TCP6"u8) ? 16 : 0;
        Span<byte> both = stackalloc byte[2 * size];
        var first = both[..size];
        var second = both[size..];
        return size > 0
            && AddressText.TryRead(Take(ref line), first) && AddressText.TryRead(Take(ref line), second)
            && Port(Take(ref line)) is { } source && Port(line) is { } destination
            ? Whole(end + 2, InetEndpoint.Of(first, source), InetEndpoint.Of(second, destination))
            : Invalid;
    }

    // The next word, without the one space that ends it.
    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> line)
    {
        var end = line.IndexOf((byte)' ');
        var word = end < 0 ? line : line[..end];
        line = end < 0 ? [] : line[(end + 1)..];
        return word;
    }

    private static int? Port(ReadOnlySpan<byte> digits)
    {
        if (digits.Length is 0 or > 5 || (digits[0] == '0' && digits.Length > 1))
            return null;
        var port = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiDigit((char)digit))
                return null;
            port = (10 * port) + digit - '0';
        }

        return port <= ushort.MaxValue ? port : null;
    }

    private static int WriteLine(Span<byte> into, InetEndpoint source, InetEndpoint destination)
    {
        var line = new Line(into);
        if (!source.IsKnown || !destination.IsKnown)
        {
            line.Add("PROXY UNKNOWN\r\n"u8);
            return line.Length;
        }

        var size = source.Length == 4 && destination.Length == 4 ? 4 : 16;
        Span<byte> host = stackalloc byte[16];
        line.Add(size == 4 ? "PROXY TCP4 "u8 : "PROXY TCP6 "u8);
        WriteHost(host[..size], source);
        line.AddHost(host[..size]);
        line.Add(" "u8);
        WriteHost(host[..size], destination);
        line.AddHost(host[..size]);
        line.Add(" "u8);
        line.Add(source.Port);
        line.Add(" "u8);
        line.Add(destination.Port);
        line.Add("\r\n"u8);
        return line.Length;
    }

    // In four bytes or sixteen, an address of IPv4 inside of IPv6 where need be.
    private static void WriteHost(Span<byte> into, InetEndpoint endpoint)
    {
        if (into.Length == 16 && endpoint.Length == 4)
        {
            into.Clear();
            into[10] = into[11] = 0xff;
            endpoint.Host(into[12..]);
            return;
        }

        endpoint.Host(into);
    }

    private ref struct Line(Span<byte> into)
    {
        private readonly Span<byte> into = into;

        public int Length { get; private set; }

        public void Add(scoped ReadOnlySpan<byte> text)
        {
            text.CopyTo(into[Length..]);
            Length += text.Length;
        }

        public void Add(int number, string? format = null)
        {
            number.TryFormat(into[Length..], out var written, format, CultureInfo.InvariantCulture);
            Length += written;
        }

        public void AddHost(scoped ReadOnlySpan<byte> host)
        {
            if (host.Length == 16)
            {
                AddGroups(host);
                return;
            }

            for (var i = 0; i < host.Length; i++)
            {
                if (i > 0)
                    Add("."u8);
                Add(host[i]);
            }
        }

        // As RFC 5952 writes it: nginx shows and logs the very text that it gets.
        private void AddGroups(scoped ReadOnlySpan<byte> host)
        {
            var (begin, end) = LongestZeros(host);
            for (var i = 0; i < 8; i++)
            {
                if (i == begin)
                {
                    Add("::"u8);
                    i = end - 1;
                    continue;
                }

                if (i > 0 && i != end)
                    Add(":"u8);
                Add(Group(host, i), "x");
            }
        }

        // The first of the longest runs of two groups or more; from 8 on where there is none.
        private static (int Begin, int End) LongestZeros(scoped ReadOnlySpan<byte> host)
        {
            var (begin, end) = (8, 9);
            for (var i = 0; i < 8; i++)
            {
                var after = i;
                while (after < 8 && Group(host, after) == 0)
                    after++;
                if (after - i > end - begin)
                    (begin, end) = (i, after);
                i = Math.Max(i, after - 1);
            }

            return (begin, end);
        }

        private static int Group(scoped ReadOnlySpan<byte> host, int at) =>
            BinaryPrimitives.ReadUInt16BigEndian(host[(2 * at)..]);
    }
}
