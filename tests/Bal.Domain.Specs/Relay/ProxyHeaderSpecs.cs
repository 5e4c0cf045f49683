using System.Buffers.Binary;
using System.Text;
using Bal.Domain.Relay;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Relay;

/// <summary>PROXY headers are read as haproxy.org, doc/proxy-protocol.txt says, and written so that they are.</summary>
[Properties(Arbitrary = [typeof(ProxyHeaderSpecs)])]
public sealed class ProxyHeaderSpecs
{
    private static readonly byte[] Signature = "\r\n\r\n\0\r\nQUIT\n"u8.ToArray();

    public static Arbitrary<InetEndpoint> Endpoints() => Arb.From(
        from length in Gen.Elements(4, 16)
        from bytes in Gen.ArrayOf(Gen.Choose(0, 255).Select(one => (byte)one), length)
        from zeros in Gen.Choose(0, length)
        from port in Gen.Choose(0, ushort.MaxValue)
        select InetEndpoint.Of([.. new byte[zeros], .. bytes[zeros..]], port));

    [Property]
    public void What_is_written_is_read_again_whatever_follows(
        bool binary, InetEndpoint source, InetEndpoint destination, byte[] data)
    {
        var header = Written(binary ? ProxyVersion.V2 : ProxyVersion.V1, source, destination);

        var read = ProxyHeader.Read([.. header, .. data]);

        Assert.Equal(
            new ProxyHeader(ProxyHeaderPart.Whole, header.Length, IsLocal: false, source, destination), read);
    }

    [Property]
    public void A_client_without_an_address_is_not_said_to_be_nobody(InetEndpoint destination, byte[] data)
    {
        // LOCAL would let it past the lists of the next one.
        var binary = Written(ProxyVersion.V2, InetEndpoint.None, destination);
        var text = Written(ProxyVersion.V1, InetEndpoint.None, destination);

        Assert.Equal(Whole(16), ProxyHeader.Read([.. binary, .. data]));
        Assert.Equal(Whole(text.Length), ProxyHeader.Read([.. text, .. data]));
    }

    [Property]
    public void A_header_for_nobody_is_LOCAL_in_binary_and_UNKNOWN_in_text(byte[] data)
    {
        var (local, unknown) = (WrittenLocal(ProxyVersion.V2), WrittenLocal(ProxyVersion.V1));

        Assert.Equal(Whole(16) with { IsLocal = true }, ProxyHeader.Read([.. local, .. data]));
        Assert.Equal("PROXY UNKNOWN\r\n", Encoding.ASCII.GetString(unknown));
        Assert.Equal(Whole(unknown.Length), ProxyHeader.Read([.. unknown, .. data]));
    }

    [Property]
    public void A_part_of_a_header_asks_for_more_but_never_for_more_than_there_is(
        bool binary, InetEndpoint source, InetEndpoint destination)
    {
        var header = Written(binary ? ProxyVersion.V2 : ProxyVersion.V1, source, destination);
        for (var some = 0; some < header.Length; some++)
        {
            var read = ProxyHeader.Read(header.AsSpan(0, some));
            Assert.Equal(ProxyHeaderPart.Incomplete, read.Part);
            Assert.InRange(read.Length, some + 1, header.Length);
        }
    }

    [Property]
    public void Whatever_comes_is_read_in_few_looks(byte[] garbage, bool binary, InetEndpoint source)
    {
        // As the loop does: it looks, waits for as many bytes as it is told, and looks again.
        byte[] bytes = [.. Written(binary ? ProxyVersion.V2 : ProxyVersion.V1, source, source), .. garbage];
        bytes[garbage.Length % bytes.Length] ^= (byte)garbage.Length;
        var (looks, read) = (0, ProxyHeader.Read([]));
        while (read.Part == ProxyHeaderPart.Incomplete && read.Length <= bytes.Length)
        {
            Assert.InRange(++looks, 1, 107);
            var needed = read.Length;
            read = ProxyHeader.Read(bytes.AsSpan(0, needed));
            Assert.True(read.Part != ProxyHeaderPart.Incomplete || read.Length > needed);
        }
    }

    [Property]
    public void Bytes_that_are_no_header_are_never_taken_for_one(byte[] garbage)
    {
        var mayBecome = Signature.AsSpan().StartsWith(garbage) || "PROXY "u8.StartsWith(garbage)
            || garbage.AsSpan().StartsWith(Signature) || garbage.AsSpan().StartsWith("PROXY "u8);
        Assert.Equal(!mayBecome, ProxyHeader.Read(garbage).Part == ProxyHeaderPart.Invalid);
    }

    [Property]
    public void Fields_behind_the_addresses_are_skipped_and_a_checksum_is_verified(
        InetEndpoint source, (byte Type, byte[] Value)[] fields, byte flipped)
    {
        var known = fields.Where(field => field.Type != 3).ToArray();
        var header = Binary(0x21, Family(source), [
            .. Addresses(source), .. known.SelectMany(field => Field(field.Type, field.Value)),
            .. Field(3, [0, 0, 0, 0])]);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(header.Length - 4), Crc32c(header));

        Assert.Equal(ProxyHeaderPart.Whole, ProxyHeader.Read(header).Part);
        Assert.Equal(source, ProxyHeader.Read(header).Source);

        // Any single changed byte of the addresses is found out.
        header[16 + (flipped % 12)] ^= 0x10;
        Assert.Equal(ProxyHeaderPart.Invalid, ProxyHeader.Read(header).Part);
    }

    [Property]
    public void A_field_that_is_longer_than_the_header_makes_it_invalid(InetEndpoint source, byte type, ushort claimed)
    {
        byte[] field = [type, (byte)(claimed >> 8), (byte)claimed];
        Assert.Equal(
            claimed == 0 && type != 3 ? ProxyHeaderPart.Whole : ProxyHeaderPart.Invalid,
            ProxyHeader.Read(Binary(0x21, Family(source), [.. Addresses(source), .. field])).Part);
    }

    [Property]
    public void Of_every_command_and_family_only_those_of_TCP_over_IP_name_a_client(
        byte command, byte family, InetEndpoint source)
    {
        // Room for the addresses of every family.
        var rest = new byte[216];
        Addresses(source).CopyTo(rest.AsSpan());
        var read = ProxyHeader.Read(Binary(command, family, rest));

        var isKnownFamily = family is 0 or 1 or 2 or 0x11 or 0x12 or 0x21 or 0x22 or 0x31 or 0x32;
        if (command == 0x20)
            Assert.Equal(Whole(232) with { IsLocal = true }, read);
        else if (command != 0x21 || !isKnownFamily)
            Assert.Equal(ProxyHeaderPart.Invalid, read.Part);
        else
            Assert.Equal(family is 0x11 or 0x21, read.Source.IsKnown || read.Part == ProxyHeaderPart.Invalid);
    }

    [Theory]
    [InlineData("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", "192.168.0.1:56324", "192.168.0.11:443")]
    [InlineData("PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\nrest", "255.255.255.255:65535", "0.0.0.0:0")]
    [InlineData("PROXY TCP6 2001:DB8::1 ::1 1 2\r\n", "[2001:db8::1]:1", "[::1]:2")]
    [InlineData("PROXY TCP6 :: 1:2:3:4:5:6:7:8 1 2\r\n", "[::]:1", "[1:2:3:4:5:6:7:8]:2")]
    [InlineData("PROXY TCP6 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 1 2\r\n", "[1:2:3:4:5:6:7:0]:1", "[0:2:3:4:5:6:7:8]:2")]
    [InlineData("PROXY TCP6 ::ffff:10.0.0.1 ::ffff:a00:2 1 2\r\n", "10.0.0.1:1", "10.0.0.2:2")]
    [InlineData("PROXY UNKNOWN\r\n", "", "")]
    [InlineData("PROXY UNKNOWN ffff:f...f:ffff anything at all 65535 65535\r\n", "", "")]
    public void Text_is_read_in_each_of_its_forms(string line, string source, string destination)
    {
        var read = ProxyHeader.Read(Encoding.ASCII.GetBytes(line));

        Assert.Equal(ProxyHeaderPart.Whole, read.Part);
        Assert.Equal(line.IndexOf('\n', StringComparison.Ordinal) + 1, read.Length);
        Assert.Equal((source, destination), (read.Source.ToString(), read.Destination.ToString()));
    }

    [Theory]
    [InlineData("PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n")]
    [InlineData("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n")]
    [InlineData("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n")]
    [InlineData("PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n")]
    [InlineData("PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n")]
    [InlineData("PROXY TCP4 1.2.3.4.5 1.2.3.4 1 2\r\n")]
    [InlineData("PROXY TCP4 ::1 ::1 1 2\r\n")]
    [InlineData("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n")]
    [InlineData("PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n")]
    [InlineData("PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n")]
    [InlineData("PROXY TCP6 1::2::3 ::1 1 2\r\n")]
    [InlineData("PROXY TCP6 1:2:3:4::5:6:7:8 ::1 1 2\r\n")]
    [InlineData("PROXY TCP6 :1 ::1 1 2\r\n")]
    [InlineData("PROXY TCP6 1: ::1 1 2\r\n")]
    [InlineData("PROXY TCP6 12345::1 ::1 1 2\r\n")]
    [InlineData("PROXY TCP6 fe80::1%lo ::1 1 2\r\n")]
    [InlineData("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n")]
    [InlineData("PROXY UNKNOWNS\r\n")]
    [InlineData("PROXY unknown\r\n")]
    [InlineData("PROXY \r\n")]
    [InlineData("GET / HTTP/1.1\r\n")]
    public void Text_that_is_not_quite_right_is_refused(string line) =>
        Assert.Equal(ProxyHeaderPart.Invalid, ProxyHeader.Read(Encoding.ASCII.GetBytes(line)).Part);

    [Fact]
    public void A_line_that_does_not_end_within_107_bytes_is_refused()
    {
        var line = Encoding.ASCII.GetBytes("PROXY UNKNOWN " + new string('x', 91));
        Assert.Equal(105, line.Length);
        Assert.Equal(Whole(107), ProxyHeader.Read([.. line, .. "\r\n"u8]));
        Assert.Equal(ProxyHeaderPart.Incomplete, ProxyHeader.Read([.. line, (byte)'x']).Part);
        Assert.Equal(ProxyHeaderPart.Invalid, ProxyHeader.Read([.. line, .. "x\r\n"u8]).Part);
    }

    [Property]
    public void Addresses_of_both_families_go_into_a_header_of_IPv6(InetEndpoint one, InetEndpoint other, bool binary)
    {
        var header = Written(binary ? ProxyVersion.V2 : ProxyVersion.V1, one, other);
        var isV4 = one.Length == 4 && other.Length == 4;
        if (binary)
            Assert.Equal(isV4 ? 0x11 : 0x21, header[13]);
        else
            Assert.StartsWith(isV4 ? "PROXY TCP4 " : "PROXY TCP6 ", Encoding.ASCII.GetString(header));
        Assert.InRange(header.Length, 1, ProxyHeader.LongestWritten);
    }

    [Theory]
    [InlineData("::", "::")]
    [InlineData("::1", "::1")]
    [InlineData("1::", "1::")]
    [InlineData("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1")]
    [InlineData("2001:0:0:1:0:0:0:1", "2001:0:0:1::1")]
    [InlineData("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1")]
    [InlineData("0:0:1:2:3:4:5:6", "::1:2:3:4:5:6")]
    [InlineData("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::")]
    [InlineData("FE80:0:0:0:0:0:0:ABCD", "fe80::abcd")]
    public void An_address_of_IPv6_is_written_in_its_shortest_form(string address, string expected)
    {
        var endpoint = InetEndpoint.Of(System.Net.IPAddress.Parse(address).GetAddressBytes(), 1);
        Assert.Equal(
            $"PROXY TCP6 {expected} {expected} 1 1\r\n",
            Encoding.ASCII.GetString(Written(ProxyVersion.V1, endpoint, endpoint)));
    }

    private static byte[] WrittenLocal(ProxyVersion version)
    {
        var bytes = new byte[ProxyHeader.LongestWritten];
        return bytes[..ProxyHeader.WriteLocal(bytes, version)];
    }

    private static byte[] Written(ProxyVersion version, InetEndpoint source, InetEndpoint destination)
    {
        var bytes = new byte[ProxyHeader.LongestWritten];
        return bytes[..ProxyHeader.Write(bytes, version, source, destination)];
    }

    private static ProxyHeader Whole(int length) =>
        new(ProxyHeaderPart.Whole, length, IsLocal: false, InetEndpoint.None, InetEndpoint.None);

    private static byte Family(InetEndpoint of) => (byte)(of.Length == 4 ? 0x11 : 0x21);

    private static byte[] Addresses(InetEndpoint both)
    {
        var host = both.Host(new byte[16]).ToArray();
        byte[] port = [(byte)(both.Port >> 8), (byte)both.Port];
        return [.. host, .. host, .. port, .. port];
    }

    private static byte[] Field(byte type, byte[] value) =>
        [type, (byte)(value.Length >> 8), (byte)value.Length, .. value];

    private static byte[] Binary(byte command, byte family, byte[] rest) =>
        [.. Signature, command, family, (byte)(rest.Length >> 8), (byte)rest.Length, .. rest];

    // By the definition (RFC 4960, appendix B), bit by bit.
    private static uint Crc32c(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var one in bytes)
        {
            crc ^= one;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 1 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
        }

        return ~crc;
    }
}
