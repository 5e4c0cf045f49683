using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Bal.Domain.Specs.Relay;

/// <summary>A legal ClientHello, as its parts; it has a name where it has the extension.</summary>
/// <param name="Minor">The minor number of the record's and the hello's version.</param>
/// <param name="Session">The length of its session id.</param>
/// <param name="Suites">How many cipher suites it offers.</param>
/// <param name="Name">The host name that it asks for; null for none.</param>
/// <param name="Before">The lengths of extensions before it.</param>
/// <param name="After">The lengths of extensions behind it.</param>
/// <param name="Records">The lengths of its records, the last one for all that is left; empty for one record.</param>
public sealed record Hello(
    int Minor, int Session, int Suites, string? Name, int[] Before, int[] After, int[] Records)
{
    private const int MaxRecord = 16 * 1024;

    /// <summary>The hello without the headers of its message and its records.</summary>
    public byte[] Body => Bodied(Extensions);

    /// <summary>The same as it is sent.</summary>
    public byte[] Bytes => InRecords(Message(1, Body), Records, Minor);

    private byte[] Extensions =>
    [
        .. Before.SelectMany((length, i) => Extension(0x0a0a + (0x1010 * (i % 15)), new byte[length])),
        .. Name is null ? [] : NameExtension(Name),
        // What ECH looks like from outside, and what is as long as the share of a key of today.
        .. After.SelectMany((length, i) => Extension(i == 0 ? 0xfe0d : i == 1 ? 51 : 0x1a1a + i, new byte[length])),
    ];

    /// <summary>A hello with these extensions instead.</summary>
    public byte[] Bodied(byte[] extensions) =>
    [
        3, (byte)Math.Min(Minor, 3), .. Enumerable.Range(0, 32).Select(i => (byte)i),
        (byte)Session, .. new byte[Session],
        .. Number(2, Suites * 2), .. Enumerable.Range(0, Suites * 2).Select(i => (byte)0x13),
        1, 0,
        .. extensions.Length == 0 ? [] : (byte[])[.. Number(2, extensions.Length), .. extensions],
    ];

    public static byte[] Extension(int type, byte[] what) => [.. Number(2, type), .. Number(2, what.Length), .. what];

    public static byte[] NameExtension(params string[] names)
    {
        byte[] list = [.. names.SelectMany(name => (byte[])
            [0, .. Number(2, name.Length), .. Encoding.Latin1.GetBytes(name)])];
        return Extension(0, [.. Number(2, list.Length), .. list]);
    }

    public static byte[] Message(int type, byte[] body) => [(byte)type, .. Number(3, body.Length), .. body];

    public static byte[] InRecords(byte[] message, int[] lengths, int minor)
    {
        var (sent, at) = (new List<byte>(), 0);
        for (var i = 0; at < message.Length; i++)
        {
            var left = Math.Min(MaxRecord, message.Length - at);
            var length = i < lengths.Length ? Math.Min(lengths[i], left) : left;
            sent.AddRange([22, 3, (byte)minor, .. Number(2, length), .. message[at..(at + length)]]);
            at += length;
        }

        return [.. sent];
    }

    public static byte[] Number(int bytes, int value) =>
        [.. Enumerable.Range(0, bytes).Select(i => (byte)(value >> (8 * (bytes - 1 - i))))];

    public override string ToString() =>
        $"name {Name ?? "none"} minor {Minor} session {Session} suites {Suites} before [{string.Join(' ', Before)}] "
        + $"after [{string.Join(' ', After)}] records [{string.Join(' ', Records)}]";
}

/// <summary>Hellos of every legal form, and names.</summary>
public static class Hellos
{
    /// <summary>A valid host name in lower case.</summary>
    public static Gen<string> Name =>
        from count in Gen.Choose(0, 3)
        from labels in Gen.Elements("a", "b", "www", "xn--bcher-kva", "0", "_dmarc", "a-b", new string('l', 63))
            .ArrayOf(count)
        from last in Gen.Elements("org", "test", "x", "a1", "localhost")
        select string.Join('.', [.. labels, last]);

    public static Arbitrary<Hello> All() => Arb.From(
        from minor in Gen.Choose(0, 4)
        from session in Gen.Elements(0, 1, 32)
        from suites in Gen.Choose(1, 40)
        from named in Gen.Frequency((5, Gen.Constant(true)), (1, Gen.Constant(false)))
        from name in Name
        from before in Lengths
        from after in Lengths
        from records in Gen.Frequency(
            (2, Gen.Constant(System.Array.Empty<int>())),
            (2, Gen.ArrayOf(Gen.Choose(1, 40))),
            (1, Gen.Elements(1, 2, 3, 4, 5, 7).Select(length => Enumerable.Repeat(length, 20_000).ToArray())),
            (1, Gen.ArrayOf(Gen.Choose(1, 4_000))))
        let hello = new Hello(minor, session, suites, named ? name : null, before, after, records)
        // As much as is looked at.
        where hello.Body.Length + 4 <= 16 * 1024
        select hello,
        Simpler);

    /// <summary>Anything, and what is nearly a hello.</summary>
    public static Arbitrary<byte[]> Garbage() => Gen.Frequency(
        (1, Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf()),
        (6, from hello in All().Generator
            where hello.Bytes.Length < 2_000
            from at in Gen.Choose(0, hello.Bytes.Length - 1)
            from value in Gen.Choose(0, 255)
            from more in Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf()
            from cut in Gen.Choose(0, 3)
            select (byte[])[.. hello.Bytes[..at], (byte)value, .. hello.Bytes[Math.Min(hello.Bytes.Length, at + cut)..],
                .. more])).ToArbitrary();

    private static Gen<int[]> Lengths => Gen.Frequency(
        (4, Gen.ArrayOf(Gen.Choose(0, 30))),
        (1, Gen.ArrayOf(Gen.Elements(0, 1_216, 4_000))));

    private static IEnumerable<Hello> Simpler(Hello hello)
    {
        if (hello.Records.Length > 0)
            yield return hello with { Records = [] };
        if (hello.Records.Length > 1)
            yield return hello with { Records = hello.Records[..(hello.Records.Length / 2)] };
        if (hello.Before.Length > 0)
            yield return hello with { Before = hello.Before[1..] };
        if (hello.After.Length > 0)
            yield return hello with { After = hello.After[1..] };
        if (hello.Suites > 1)
            yield return hello with { Suites = 1 };
        if (hello.Session > 0)
            yield return hello with { Session = 0 };
    }
}
