using Bal.Domain.Primitives;

namespace Bal.Domain.Relay;

/// <summary>What the first bytes of a client say about the server that it wants.</summary>
public enum HelloAnswer
{
    /// <summary>Not enough has come to tell.</summary>
    NeedsMore,

    /// <summary>The name of a server.</summary>
    Name,

    /// <summary>No name, whatever else may come.</summary>
    NoName,
}

/// <summary>What the first bytes of a client say.</summary>
/// <param name="Answer">What they say.</param>
/// <param name="Count">
/// Where more is needed, how many bytes there have to be in all before it is worth looking again; every client whose
/// hello is legal sends as many. Of a name, its length.
/// </param>
public readonly record struct HelloReading(HelloAnswer Answer, int Count)
{
    internal static HelloReading NoName => new(HelloAnswer.NoName, 0);
}

/// <summary>
/// Reads the server's name out of a TLS ClientHello (RFC 8446, section 4.1.2; RFC 6066, section 3), in whatever records
/// and pieces it comes. All of the hello is read before a name counts, so that a second name is never overlooked.
/// </summary>
public static class ClientHello
{
    /// <summary>The most bytes of a hello, without the headers of its records.</summary>
    public const int MaxHello = 16 * 1024;

    /// <summary>The most bytes that are looked at: such a hello, each byte in a record of its own.</summary>
    public const int MaxSeen = MaxHello * (1 + RecordHeader);

    /// <summary>The room for a name and its final dot.</summary>
    public const int NameRoom = HostName.MaxLength + 1;

    private const int RecordHeader = 5;
    private const int MaxRecord = 16 * 1024;
    private const int MessageHeader = 4;

    /// <summary>A version, a random number, an empty session, one cipher suite, one compression method.</summary>
    private const int LeastHello = 2 + 32 + 1 + 2 + 2 + 1 + 1;

    private const int HandshakeRecord = 22;
    private const int ClientHelloMessage = 1;
    private const int ServerNameExtension = 0;
    private const int HostNameType = 0;

    /// <summary>
    /// What a client wants that has sent so much; it costs as much as was sent, and allocates nothing.
    /// </summary>
    /// <param name="seen">Its first bytes; those behind the hello do not count.</param>
    /// <param name="name">
    /// Room for <see cref="NameRoom"/> characters. It begins with the name, where there is one: a valid host name in
    /// lower case, without a final dot.
    /// </param>
    public static HelloReading Read(ReadOnlySpan<byte> seen, Span<char> name)
    {
        if (seen.Length > MaxSeen)
            seen = seen[..MaxSeen];
        var (complete, extent) = Extent(seen);
        if (!complete)
            return extent is 0 or > MaxSeen ? HelloReading.NoName : new(HelloAnswer.NeedsMore, extent);
        var length = NameIn(new Message(seen, extent), name);
        return length > 0 ? new(HelloAnswer.Name, length) : HelloReading.NoName;
    }

    /// <summary>
    /// Whether the whole message is there, and then how long it is; else the least number of bytes with which it can be
    /// complete, and zero where these are not the first bytes of a hello.
    /// </summary>
    private static (bool Complete, int Extent) Extent(ReadOnlySpan<byte> seen)
    {
        var (at, have, header, message) = (0, 0, 0, MessageHeader + LeastHello);
        while (true)
        {
            var record = seen[at..Math.Min(seen.Length, at + RecordHeader)];
            if (!BeginsRecord(record))
                return (false, 0);
            if (record.Length < RecordHeader)
                // Somebody who does not speak TLS may wait for an answer after a single byte.
                return (false, seen.IsEmpty ? 1 : at + OnTheWire(message - have));
            var length = (record[3] << 8) | record[4];
            at += RecordHeader;
            var there = Math.Min(length, seen.Length - at);
            for (var i = 0; i < there && have + i < MessageHeader; i++)
            {
                header = (header << 8) | seen[at + i];
                if (have + i == 0 && header != ClientHelloMessage)
                    return (false, 0);
                if (have + i == MessageHeader - 1)
                    message = MessageHeader + (header & 0xff_ffff);
            }

            if (message is < MessageHeader + LeastHello or > MaxHello)
                return (false, 0);
            if (have + there >= message)
                return (true, message);
            if (there < length)
                return (false, at + Math.Min(length, message - have) + OnTheWire(message - have - length));
            at += length;
            have += length;
        }
    }

    // An empty record has no place in a handshake (RFC 8446, section 5.1), and could go on for ever.
    private static bool BeginsRecord(ReadOnlySpan<byte> header) =>
        (header.Length < 1 || header[0] == HandshakeRecord)
        && (header.Length < 2 || header[1] == 3)
        && (header.Length < 4 || header[3] <= MaxRecord >> 8)
        && (header.Length < 5 || ((header[3] << 8) | header[4]) is > 0 and <= MaxRecord);

    // So much of a message takes at least so much with the headers of its records.
    private static int OnTheWire(int bytes) =>
        bytes <= 0 ? 0 : bytes + ((bytes + MaxRecord - 1) / MaxRecord * RecordHeader);

    private static int NameIn(Message hello, Span<char> name)
    {
        hello.Skip(MessageHeader);
        if (hello.Number(1) != 3 || !hello.Skip(1 + 32))
            return 0;
        var session = hello.Number(1);
        if (session > 32 || !hello.Skip(session))
            return 0;
        var suites = hello.Number(2);
        if (suites < 2 || suites % 2 != 0 || !hello.Skip(suites))
            return 0;
        var compressions = hello.Number(1);
        if (compressions < 1 || !hello.Skip(compressions))
            return 0;
        // Before TLS 1.2 there may be none.
        return hello.Left > 0 && hello.Number(2) == hello.Left ? NameAmongExtensions(ref hello, name) : 0;
    }

    private static int NameAmongExtensions(ref Message hello, Span<char> name)
    {
        var found = 0;
        while (hello.Left > 0)
        {
            var (type, length) = (hello.Number(2), hello.Number(2));
            if (length < 0 || length > hello.Left)
                return 0;
            if (type != ServerNameExtension)
                hello.Skip(length);
            // Each extension once: a backend could take the other one.
            else if (found > 0 || (found = NameOf(ref hello, length, name)) == 0)
                return 0;
        }

        return found;
    }

    private static int NameOf(ref Message hello, int extension, Span<char> name)
    {
        // A list of one host name and nothing else.
        if (extension < 5 || hello.Number(2) != extension - 2 || hello.Number(1) != HostNameType)
            return 0;
        var length = hello.Number(2);
        if (length != extension - 5 || length is 0 or > NameRoom)
            return 0;
        for (var i = 0; i < length; i++)
            name[i] = char.ToLowerInvariant((char)hello.Number(1));
        if (name[length - 1] == '.')
            length--;
        return HostName.IsValid(name[..length]) ? length : 0;
    }

    /// <summary>The bytes of a message that is there as a whole, without the headers of its records.</summary>
    private ref struct Message(ReadOnlySpan<byte> records, int length)
    {
        private ReadOnlySpan<byte> rest = records;
        private int inRecord;

        /// <summary>How many bytes of it have not been read.</summary>
        public int Left { get; private set; } = length;

        /// <summary>Reads a number of so many bytes; -1 where the message ends before.</summary>
        public int Number(int bytes)
        {
            if (bytes > Left)
                return -1;
            var number = 0;
            for (var i = 0; i < bytes; i++)
            {
                Step(1, out var at);
                number = (number << 8) | at[0];
            }

            return number;
        }

        /// <summary>Passes over so many bytes; false where there are not as many.</summary>
        public bool Skip(int bytes)
        {
            if (bytes < 0 || bytes > Left)
                return false;
            while (bytes > 0)
                bytes -= Step(bytes, out _);
            return true;
        }

        // At most as far as the record goes.
        private int Step(int most, out ReadOnlySpan<byte> at)
        {
            if (inRecord == 0)
            {
                inRecord = (rest[3] << 8) | rest[4];
                rest = rest[RecordHeader..];
            }

            var step = Math.Min(most, inRecord);
            at = rest;
            rest = rest[step..];
            inRecord -= step;
            Left -= step;
            return step;
        }
    }
}
