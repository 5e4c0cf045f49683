using System.Runtime.CompilerServices;
using System.Text;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Relay;

/// <summary>The name that a TLS client asks for (docs/behaviour.md, Names in TLS).</summary>
[Properties(Arbitrary = [typeof(Hellos)], MaxTest = 300)]
public class ClientHelloSpecs
{
    private static readonly Hello Plain = new(1, 32, 4, "example.org", [], [], []);

    [Property]
    public void The_name_of_a_hello_is_read_whatever_its_version_records_and_extensions(Hello hello) =>
        Assert.Equal(hello.Name ?? "(none)", Outcome(hello.Bytes));

    [Property]
    public void What_comes_behind_a_hello_does_not_count(Hello hello, byte[] more) =>
        Assert.Equal(Outcome(hello.Bytes), Outcome([.. hello.Bytes, .. more]));

    [Property]
    public void Wherever_a_hello_is_cut_more_is_needed_and_never_more_than_comes(Hello hello)
    {
        var bytes = hello.Bytes;
        for (var length = 0; length < bytes.Length; length += length < 600 ? 1 : 97)
        {
            var reading = Read(bytes[..length]);
            Assert.Equal(HelloAnswer.NeedsMore, reading.Answer);
            Assert.InRange(reading.Count, length + 1, bytes.Length);
        }
    }

    /// <summary>Whoever sends exactly what is asked for is asked a few times only.</summary>
    [Property]
    public void A_hello_is_read_in_a_few_rounds(Hello hello)
    {
        var (bytes, length, rounds) = (hello.Bytes, 0, 0);
        while (Read(bytes[..length]) is { Answer: HelloAnswer.NeedsMore } reading)
        {
            length = reading.Count;
            rounds++;
        }

        Assert.Equal(bytes.Length, length);
        Assert.InRange(rounds, 1, hello.Records.Length == 0 ? 3 : 100);
    }

    /// <summary>
    /// An answer that is not a request for more stays, whatever follows; and what comes with it is what all would give.
    /// </summary>
    [Property]
    public void Of_any_bytes_the_outcome_is_the_same_wherever_they_are_cut(byte[] garbage)
    {
        var whole = Read(garbage);
        for (var length = 0; length < garbage.Length; length++)
        {
            var reading = Read(garbage[..length]);
            if (reading.Answer != HelloAnswer.NeedsMore)
                Assert.Equal(whole, reading);
            else
                Assert.True(reading.Count > length);
        }
    }

    [Property(MaxTest = 2_000)]
    public void Of_any_bytes_no_name_comes_that_is_not_a_host_name(byte[] garbage)
    {
        var name = Outcome(garbage);
        if (name.StartsWith('('))
            return;
        Assert.True(HostName.IsValid(name), name);
        Assert.Equal(name.ToLowerInvariant(), name);
        // Its characters stand in this order among the bytes, with the headers of records in between.
        var sent = Encoding.Latin1.GetString(garbage).ToLowerInvariant();
        var at = 0;
        Assert.All(name, c => Assert.NotEqual(0, at = sent.IndexOf(c, at) + 1));
    }

    [Property]
    public void Reading_allocates_nothing(Hello hello, byte[] garbage)
    {
        var (bytes, name) = (hello.Bytes, new char[ClientHello.NameRoom]);
        ClientHello.Read(bytes, name);
        ClientHello.Read(garbage, name);
        var before = GC.GetAllocatedBytesForCurrentThread();
        ClientHello.Read(bytes, name);
        ClientHello.Read(garbage, name);

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    /// <summary>
    /// What Chromium 156 sent: made-up values everywhere (RFC 8701), ECH, a key share of 1,216 bytes, two segments.
    /// </summary>
    [Fact]
    public void The_hello_of_a_browser_has_its_name_with_its_last_byte()
    {
        var hello = File.ReadAllBytes(Captured("chromium-156"));

        Assert.Equal("www.example.org", Outcome(hello));
        Assert.InRange(hello.Length, 1_461, 16_000);
        for (var length = 0; length < hello.Length; length++)
            Assert.Equal($"({(length == 0 ? 1 : length < 9 ? 50 : hello.Length)} bytes)", Outcome(hello[..length]));
    }

    [Theory]
    [InlineData("EXAMPLE.org", "example.org")]
    [InlineData("example.org.", "example.org")]
    [InlineData("localhost", "localhost")]
    [InlineData("xn--bcher-kva.example", "xn--bcher-kva.example")]
    [InlineData("_sip.example", "_sip.example")]
    [InlineData("", "(none)")]
    [InlineData(".", "(none)")]
    [InlineData("example.org..", "(none)")]
    [InlineData(".example.org", "(none)")]
    [InlineData("a..b", "(none)")]
    [InlineData("192.0.2.1", "(none)")]
    [InlineData("0x7f.1", "(none)")]
    [InlineData("a.0x7f", "(none)")]
    [InlineData("::1", "(none)")]
    [InlineData("[::1]", "(none)")]
    [InlineData("example.org\0", "(none)")]
    [InlineData("exam\0ple.org", "(none)")]
    [InlineData("exam ple.org", "(none)")]
    [InlineData("ex\u00e4mple.org", "(none)")]
    [InlineData("*.example.org", "(none)")]
    [InlineData("-a.example", "(none)")]
    [InlineData("a-.example", "(none)")]
    public void A_name_counts_if_it_is_a_host_name(string asked, string name) =>
        Assert.Equal(name, Outcome((Plain with { Name = asked }).Bytes));

    [Theory]
    [InlineData(63, 253, true)]
    [InlineData(64, 253, false)]
    [InlineData(63, 254, false)]
    public void A_name_has_at_most_253_characters_and_63_between_two_dots(int label, int length, bool valid)
    {
        var name = new string('a', label);
        while (name.Length < length)
            name += "." + new string('b', Math.Min(63, Math.Max(1, length - name.Length - 1)));

        Assert.Equal(valid ? name : "(none)", Outcome((Plain with { Name = name }).Bytes));
        Assert.Equal(valid ? name : "(none)", Outcome((Plain with { Name = name + '.' }).Bytes));
    }

    [Fact]
    public void Several_names_are_none_in_one_extension_or_in_two()
    {
        var (a, b) = (Hello.NameExtension("a.test"), Hello.NameExtension("b.test"));
        Assert.Equal("a.test", Outcome(Sent(Plain.Bodied(a))));
        Assert.Equal("(none)", Outcome(Sent(Plain.Bodied(Hello.NameExtension("a.test", "b.test")))));
        Assert.Equal("(none)", Outcome(Sent(Plain.Bodied(Hello.NameExtension("a.test", "a.test")))));
        Assert.Equal("(none)", Outcome(Sent(Plain.Bodied([.. a, .. b]))));
        Assert.Equal("(none)", Outcome(Sent(Plain.Bodied([.. a, .. a]))));
        Assert.Equal("(none)", Outcome(Sent(Plain.Bodied(Hello.Extension(0, [])))));
    }

    [Fact]
    public void A_hello_of_16_KiB_is_read_and_a_longer_one_is_none()
    {
        Assert.Equal("example.org", Outcome(OfLength(ClientHello.MaxHello)));
        Assert.Equal("(none)", Outcome(OfLength(ClientHello.MaxHello + 1)));
        // Known from its beginning, without waiting for the rest.
        Assert.Equal("(none)", Outcome(OfLength(ClientHello.MaxHello + 1)[..9]));
        // As long as it can be: each byte in a record of its own.
        var longest = OfLength(ClientHello.MaxHello, Enumerable.Repeat(1, ClientHello.MaxHello).ToArray());
        Assert.Equal(ClientHello.MaxSeen, longest.Length);
        Assert.Equal("example.org", Outcome(longest));

        static byte[] OfLength(int length, params int[] records)
        {
            var without = Hello.Message(1, (Plain with { After = [0] }).Body).Length;
            var hello = Hello.Message(1, (Plain with { After = [length - without] }).Body);
            Assert.Equal(length, hello.Length);
            return Hello.InRecords(hello, records, 1);
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n", 1)]
    [InlineData("\0\0\0\b\u0004\u00d2\u0016/", 1)]
    [InlineData("\u0080.\u0001\u0003\u0001", 1)]
    [InlineData("SSH-2.0-x", 1)]
    [InlineData("\u0015\u0003\u0001\0\u0002\u0002\u0028", 1)]
    [InlineData("\u0016\u0002\0", 2)]
    [InlineData("\u0016\u0003\u0001\0\0", 5)]
    [InlineData("\u0016\u0003\u0001\u0040\u0001", 5)]
    [InlineData("\u0016\u0003\u0001\0\u0050\u0002", 6)]
    public void What_is_not_a_hello_is_known_by_its_first_bytes(string sent, int enough)
    {
        var bytes = Encoding.Latin1.GetBytes(sent);
        for (var length = 0; length <= bytes.Length; length++)
            Assert.Equal(length < enough ? HelloAnswer.NeedsMore : HelloAnswer.NoName, Read(bytes[..length]).Answer);
        // Somebody who waits for an answer after the first byte is not kept waiting.
        Assert.Equal(1, Read([]).Count);
    }

    [Fact]
    public void A_hello_whose_lengths_do_not_fit_is_none()
    {
        var body = Plain.Body;
        var wrong = new List<byte[]>
        {
            body[..^1],
            (byte[])[.. body, 0],
            With(body, 34, 33),
            With(body, 34 + 33, 0, 3),
            With(body, 34 + 33, 0, 0),
            With(body, 34 + 33 + 2 + 8, 0),
            With(body, 0, 2),
        };
        // Every length inside of the name's extension.
        var extension = body.Length - Hello.NameExtension("example.org").Length;
        wrong.AddRange(new[] { 3, 5, 8 }.SelectMany(at => new[] { -1, 1 }, (at, by) => With(
            body, extension + at, (byte)(body[extension + at] + by))));

        Assert.Equal("example.org", Outcome(Sent(body)));
        Assert.All(wrong, one => Assert.Equal("(none)", Outcome(Sent(one))));
    }

    [Fact]
    public void A_record_of_another_kind_in_between_ends_it()
    {
        var hello = (Plain with { Records = [20] }).Bytes;
        byte[] alert = [21, 3, 1, 0, 2, 1, 0];

        Assert.Equal("(none)", Outcome([.. hello[..25], .. alert, .. hello[25..]]));
    }

    private static string Captured(string name, [CallerFilePath] string here = "") => Path.Combine(
        Path.GetDirectoryName(here)!, "..", "..", "Bal.Fuzz", "corpus", "hello", name);

    private static byte[] With(byte[] body, int at, params byte[] bytes) =>
        [.. body[..at], .. bytes, .. body[(at + bytes.Length)..]];

    private static byte[] Sent(byte[] body) => Hello.InRecords(Hello.Message(1, body), [], 1);

    private static HelloReading Read(ReadOnlySpan<byte> seen) =>
        ClientHello.Read(seen, new char[ClientHello.NameRoom]);

    private static string Outcome(ReadOnlySpan<byte> seen)
    {
        var name = new char[ClientHello.NameRoom];
        var reading = ClientHello.Read(seen, name);
        return reading.Answer switch
        {
            HelloAnswer.Name => new string(name, 0, reading.Count),
            HelloAnswer.NoName => "(none)",
            _ => $"({reading.Count} bytes)",
        };
    }
}
