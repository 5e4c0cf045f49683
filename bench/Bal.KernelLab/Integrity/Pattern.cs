using System.Buffers.Binary;

namespace Bal.KernelLab.Integrity;

/// <summary>
/// Bytes that say where they belong: byte i of a message of a given length is a function of both. A message is its
/// length in eight
/// bytes, then the pattern, so a receiver that knows nothing else can tell lost, moved, repeated and surplus bytes.
/// </summary>
internal static class Pattern
{
    public const int HeaderSize = 8;

    public static byte[] Message(int length)
    {
        var message = new byte[HeaderSize + length];
        BinaryPrimitives.WriteInt64LittleEndian(message, length);
        Fill(message.AsSpan(HeaderSize), length, 0);
        return message;
    }

    /// <summary>Index of the first byte that does not belong, or -1.</summary>
    public static int FirstWrong(ReadOnlySpan<byte> bytes, long length, long offset)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != At(length, offset + i))
                return i;
        }

        return -1;
    }

    private static void Fill(Span<byte> bytes, long length, long offset)
    {
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = At(length, offset + i);
    }

    // The finaliser of SplitMix64 over the index of the eight bytes that i lies in.
    private static byte At(long length, long i)
    {
        var z = (ulong)((length << 24) ^ (i >> 3)) * 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z ^= z >> 27;
        return (byte)(z >> (int)((i & 7) * 8));
    }
}
