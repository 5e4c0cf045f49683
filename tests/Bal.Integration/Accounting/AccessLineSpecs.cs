using System.Net;
using System.Text;
using System.Text.Json;
using Bal.Domain.Counting;
using Bal.Domain.Relay;
using Bal.Infrastructure.Accounting;
using Bal.Infrastructure.DataPlane;
using FsCheck.Xunit;

namespace Bal.Integration.Accounting;

/// <summary>The lines of the access log.</summary>
public sealed class AccessLineSpecs
{
    private static readonly string[] Members =
    [
        "timestamp", "started", "service", "listener", "client", "client_seen", "server_name", "backend",
        "backend_source", "tries", "wait_ms", "connect_ms", "duration_ms", "bytes_in", "bytes_out", "termination",
    ];

    [Property(MaxTest = 300)]
    public void An_address_is_written_as_everywhere_else(ulong high, ulong low, ushort port, bool zeros, bool v6)
    {
        var address = new byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(address, zeros ? high & 0xffff0000ffff0000 : high);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(
            address.AsSpan(8), zeros ? low & 0xffff : low);
        // The runtime writes addresses of that range with IPv4 in them.
        if (v6 && (high == 0 || address.AsSpan(0, 10).IndexOfAnyExcept((byte)0) < 0))
            return;
        var place = InetEndpoint.Of(v6 ? address : address.AsSpan(0, 4), port);

        Assert.Equal(
            new IPEndPoint(new IPAddress(v6 ? address : address.AsSpan(0, 4)), port).ToString(),
            Written(new AccessRecord { Client = place }).GetProperty("client").GetString());
    }

    [Property]
    public void A_moment_is_written_as_rfc_3339_in_utc(uint seconds, ushort milliseconds)
    {
        var at = (seconds * 1_000L) + (milliseconds % 1_000);

        Assert.Equal(
            DateTimeOffset.FromUnixTimeMilliseconds(at).UtcDateTime.ToString(
                "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture),
            Written(new AccessRecord { At = at - 1_000 }, wallOffset: 1_000).GetProperty("timestamp").GetString());
    }

    [Fact]
    public void Its_members_are_always_the_same_and_what_is_not_known_is_null()
    {
        var line = Written(new AccessRecord { ConnectMs = -1 });

        Assert.Equal(Members, line.EnumerateObject().Select(member => member.Name));
        Assert.All(
            (string[])["listener", "client", "client_seen", "server_name", "backend", "backend_source", "connect_ms"],
            name => Assert.Equal(JsonValueKind.Null, line.GetProperty(name).ValueKind));
        Assert.Equal(7, Written(new AccessRecord { Suppressed = 7 }).GetProperty("suppressed").GetInt64());
    }

    [Fact]
    public void Every_reason_has_its_word()
    {
        foreach (var reason in Enum.GetValues<TerminationReason>())
        {
            Assert.Equal(
                ServiceCounters.Of(reason).Word,
                Written(new AccessRecord { Reason = (int)reason }).GetProperty("termination").GetString());
        }
    }

    [Fact]
    public void The_longest_line_fits()
    {
        var labels = new AccessLabels();
        labels.NameService(int.MaxValue, new string('s', 63));
        labels.NameBackend(int.MaxValue, new string('b', 253) + ":65535");
        var longest = InetEndpoint.Of(Enumerable.Repeat((byte)0xff, 16).ToArray(), 65_535);
        var record = new AccessRecord
        {
            At = long.MaxValue,
            Started = long.MinValue,
            WaitMs = long.MinValue,
            ConnectMs = long.MaxValue,
            BytesIn = long.MinValue,
            BytesOut = long.MinValue,
            Suppressed = long.MaxValue,
            Service = int.MaxValue,
            Backend = int.MaxValue,
            Tries = int.MinValue,
            Reason = (int)TerminationReason.RejectedProxyHeader,
            Client = longest,
            Seen = longest,
            Listener = longest,
            Source = longest,
        };
        var buffer = new byte[AccessLine.MaxLength];

        var name = Encoding.ASCII.GetBytes(new string('n', 255));

        var length = new AccessLine().Write(buffer, 0, record, name, labels, 0);

        Assert.InRange(length, 1_000, AccessLine.MaxLength);
        Assert.Equal((byte)'\n', buffer[length - 1]);
    }

    private static JsonElement Written(AccessRecord record, long wallOffset = 0)
    {
        var buffer = new byte[AccessLine.MaxLength + 3];
        var length = new AccessLine().Write(buffer, 3, record, default, new AccessLabels(), wallOffset);
        Assert.Equal((byte)'\n', buffer[3 + length - 1]);
        return JsonDocument.Parse(buffer.AsMemory(3, length)).RootElement;
    }
}
