using System.Buffers.Text;
using System.Text;
using Bal.Domain.Counting;
using Bal.Domain.Relay;
using Bal.Infrastructure.DataPlane;

namespace Bal.Infrastructure.Accounting;

/// <summary>
/// Writes the lines of the access log as UTF-8 into a buffer that stays the same, so that no line costs garbage. What
/// is written comes from numbers, from the bytes of addresses, and from names that were checked before.
/// </summary>
internal sealed class AccessLine
{
    /// <summary>The longest line: every number and address at its longest, and names of 255 and 330 bytes.</summary>
    public const int MaxLength = 1_536;

    private static readonly byte[][] Reasons = [.. Enum.GetValues<TerminationReason>()
        .Select(reason => Encoding.ASCII.GetBytes($"\"{ServiceCounters.Of(reason).Word}\""))];

    // The last moment that a year of four digits has.
    private const long MaxTime = 253_402_300_799_999;

    private byte[] into = [];
    private int at;

    /// <summary>Writes one line with its newline; its length.</summary>
    /// <param name="buffer">Has room for <see cref="MaxLength"/> from <paramref name="offset"/> on.</param>
    /// <param name="offset">Where it begins.</param>
    /// <param name="record">What happened.</param>
    /// <param name="serverName">A valid host name, or empty.</param>
    /// <param name="labels">What services and backends are called.</param>
    /// <param name="wallOffset">
    /// Milliseconds between the monotonic clock and the wall clock (Unix time), as both are now.
    /// </param>
    public int Write(
        byte[] buffer, int offset, in AccessRecord record, ReadOnlySpan<byte> serverName, AccessLabels labels,
        long wallOffset)
    {
        (into, at) = (buffer, offset);
        Raw("{\"timestamp\":"u8);
        Time(record.At + wallOffset);
        Raw(",\"started\":"u8);
        Time(record.Started + wallOffset);
        Raw(",\"service\":"u8);
        Raw(labels.OfService(record.Service).Json);
        Raw(",\"listener\":"u8);
        Place(record.Listener);
        Raw(",\"client\":"u8);
        Place(record.Client);
        Raw(",\"client_seen\":"u8);
        Place(record.Seen);
        Raw(",\"server_name\":"u8);
        Name(serverName);
        Raw(",\"backend\":"u8);
        Raw(labels.OfBackend(record.Backend).Json);
        Raw(",\"backend_source\":"u8);
        Place(record.Source);
        Raw(",\"tries\":"u8);
        Number(record.Tries);
        Raw(",\"wait_ms\":"u8);
        Number(record.WaitMs);
        Raw(",\"connect_ms\":"u8);
        if (record.ConnectMs < 0)
            Raw("null"u8);
        else
            Number(record.ConnectMs);
        Raw(",\"duration_ms\":"u8);
        Number(record.At - record.Started);
        Raw(",\"bytes_in\":"u8);
        Number(record.BytesIn);
        Raw(",\"bytes_out\":"u8);
        Number(record.BytesOut);
        Raw(",\"termination\":"u8);
        Raw(Reasons[record.Reason]);
        if (record.Suppressed > 0)
        {
            Raw(",\"suppressed\":"u8);
            Number(record.Suppressed);
        }

        Raw("}\n"u8);
        return at - offset;
    }

    private void Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(into.AsSpan(at));
        at += bytes.Length;
    }

    private void Number(long number)
    {
        Utf8Formatter.TryFormat(number, into.AsSpan(at), out var length);
        at += length;
    }

    private void Name(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty)
        {
            Raw("null"u8);
            return;
        }

        into[at++] = (byte)'"';
        Raw(name);
        into[at++] = (byte)'"';
    }

    // As reports write an endpoint: IPv6 in brackets and at its shortest (RFC 5952).
    private void Place(InetEndpoint place)
    {
        if (place.IsUnix)
        {
            Raw("\"unix\""u8);
            return;
        }

        if (!place.IsKnown)
        {
            Raw("null"u8);
            return;
        }

        into[at++] = (byte)'"';
        Span<byte> host = stackalloc byte[16];
        Host(place.Host(host));
        into[at++] = (byte)':';
        Number(place.Port);
        into[at++] = (byte)'"';
    }

    private void Host(ReadOnlySpan<byte> host)
    {
        if (host.Length == 4)
        {
            for (var i = 0; i < 4; i++)
            {
                if (i > 0)
                    into[at++] = (byte)'.';
                Number(host[i]);
            }

            return;
        }

        into[at++] = (byte)'[';
        IPv6(host);
        into[at++] = (byte)']';
    }

    private void IPv6(ReadOnlySpan<byte> host)
    {
        var (start, length) = LongestZeros(host);
        for (var i = 0; i < 8; i++)
        {
            if (i == start)
            {
                Raw("::"u8);
                i += length - 1;
                continue;
            }

            if (i > 0 && i != start + length)
                into[at++] = (byte)':';
            Utf8Formatter.TryFormat(
                (ushort)((host[2 * i] << 8) | host[2 * i + 1]), into.AsSpan(at), out var written, 'x');
            at += written;
        }
    }

    private static (int Start, int Length) LongestZeros(ReadOnlySpan<byte> host)
    {
        var (start, length, run) = (-1, 1, 0);
        for (var i = 0; i < 8; i++)
        {
            run = (host[2 * i] | host[2 * i + 1]) == 0 ? run + 1 : 0;
            if (run > length)
                (start, length) = (i - run + 1, run);
        }

        return (start, start < 0 ? 0 : length);
    }

    // RFC 3339 in UTC with milliseconds.
    private void Time(long unixMilliseconds)
    {
        var time = DateTime.UnixEpoch.AddTicks(
            Math.Clamp(unixMilliseconds, 0, MaxTime) * TimeSpan.TicksPerMillisecond);
        into[at++] = (byte)'"';
        Digits(time.Year, 4, '-');
        Digits(time.Month, 2, '-');
        Digits(time.Day, 2, 'T');
        Digits(time.Hour, 2, ':');
        Digits(time.Minute, 2, ':');
        Digits(time.Second, 2, '.');
        Digits(time.Millisecond, 3, 'Z');
        into[at++] = (byte)'"';
    }

    private void Digits(int number, int count, char after)
    {
        for (var i = count - 1; i >= 0; i--, number /= 10)
            into[at + i] = (byte)('0' + number % 10);
        into[at + count] = (byte)after;
        at += count + 1;
    }
}
