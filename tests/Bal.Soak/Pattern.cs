namespace Bal.Soak;

/// <summary>
/// The bytes of a stream: random ones, from a place that depends on the stream, so that a byte that is lost, doubled,
/// swapped or another stream's is seen at its position.
/// </summary>
internal static class Pattern
{
    private const int Size = (4 << 20) + 7;
    private const int Largest = 256 * 1024;

    // Continued with its own beginning, so that every piece is one span.
    private static readonly byte[] Bytes = Make();

    /// <summary>At most <paramref name="length"/> bytes of a stream, from a position on.</summary>
    public static ReadOnlyMemory<byte> Piece(long stream, long position, int length) =>
        Bytes.AsMemory(Place(stream, position), Math.Min(length, Largest));

    /// <summary>The first position at which the bytes are not those of the stream; -1 where they are.</summary>
    public static long Differs(long stream, long position, ReadOnlySpan<byte> bytes)
    {
        var expected = Bytes.AsSpan(Place(stream, position), bytes.Length);
        var same = bytes.CommonPrefixLength(expected);
        return same == bytes.Length ? -1 : position + same;
    }

    private static int Place(long stream, long position) => (int)((stream * 7_919 % Size + position) % Size);

    private static byte[] Make()
    {
        var bytes = new byte[Size + Largest];
        new Random(20).NextBytes(bytes.AsSpan(0, Size));
        bytes.AsSpan(0, Largest).CopyTo(bytes.AsSpan(Size));
        return bytes;
    }
}
