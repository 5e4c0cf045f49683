using Bal.Domain.Primitives;
using Bal.Domain.Relay;

namespace Bal.Fuzz.Targets;

/// <summary>The first bytes of a client at an address whose services are told apart by names.</summary>
internal static class HelloTarget
{
    private static readonly ServerNames<int> Names = new(
    [
        KeyValuePair.Create(new ServerName("www.example.org", false), 1),
        KeyValuePair.Create(new ServerName("example.org", true), 2),
    ]);

    internal static void Run(byte[] bytes)
    {
        var name = new char[ClientHello.NameRoom];
        var whole = Read(bytes);
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        ClientHello.Read(bytes, name);
        Claim.That(GC.GetAllocatedBytesForCurrentThread() == allocated, "reading a hello allocates nothing");
        Claim.That(whole.Answer == HelloAnswer.Name
            ? whole.Count is > 0 and < ClientHello.NameRoom && HostName.IsValid(name.AsSpan(0, whole.Count))
            : whole.Answer == HelloAnswer.NoName || whole.Count > bytes.Length, "a name is a host name");
        if (whole.Answer == HelloAnswer.Name)
            Claim.That(Names.Find(name.AsSpan(0, whole.Count), 0) is >= 0 and <= 2, "a name is found or not");

        // As a client sends it that sends what is asked for, and as one that sends as little as it can.
        var rounds = 0;
        var reading = Read([]);
        for (var length = 0; reading.Answer == HelloAnswer.NeedsMore && reading.Count <= bytes.Length; rounds++)
        {
            Claim.That(reading.Count > length, "more is more than there is");
            length = reading.Count;
            reading = Read(bytes.AsSpan(0, length));
        }

        // Behind the last look there may be less than was asked for, and yet enough to tell that it is no hello.
        Claim.That(reading == whole || (reading.Answer == HelloAnswer.NeedsMore && whole.Answer != HelloAnswer.Name),
            "what is read piece by piece is what is read at once");
        Claim.That(rounds <= 128, "a hello takes a few rounds");
        for (var length = 0; length < Math.Min(bytes.Length, 1_024); length++)
        {
            var part = Read(bytes.AsSpan(0, length));
            Claim.That(part == whole || (part.Answer == HelloAnswer.NeedsMore && part.Count > length),
                "an answer stays, whatever follows");
        }

        HelloReading Read(ReadOnlySpan<byte> seen) => ClientHello.Read(seen, name);
    }
}
