using System.Numerics;

namespace Bal.Domain.Admission;

/// <summary>
/// SipHash-2-4 (Aumasson, Bernstein 2012) of one number of 64 bits. Whoever does not know the key cannot choose numbers
/// that meet in one place of a hash table, however many there are to choose from.
/// </summary>
/// <param name="First">The first 8 bytes of the key, little-endian.</param>
/// <param name="Second">The others.</param>
public readonly record struct SipHash(ulong First, ulong Second)
{
    /// <summary>The hash of the 8 bytes of a number, little-endian.</summary>
    public ulong Of(ulong value)
    {
        var v0 = First ^ 0x736f6d6570736575;
        var v1 = Second ^ 0x646f72616e646f6d;
        var v2 = First ^ 0x6c7967656e657261;
        var v3 = Second ^ 0x7465646279746573;
        Compress(ref v0, ref v1, ref v2, ref v3, value);
        Compress(ref v0, ref v1, ref v2, ref v3, 8UL << 56);
        v2 ^= 0xff;
        for (var i = 0; i < 4; i++)
            Round(ref v0, ref v1, ref v2, ref v3);
        return v0 ^ v1 ^ v2 ^ v3;
    }

    private static void Compress(ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3, ulong block)
    {
        v3 ^= block;
        Round(ref v0, ref v1, ref v2, ref v3);
        Round(ref v0, ref v1, ref v2, ref v3);
        v0 ^= block;
    }

    private static void Round(ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        v0 += v1;
        v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
        v0 = BitOperations.RotateLeft(v0, 32);
        v2 += v3;
        v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
        v0 += v3;
        v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
        v2 += v1;
        v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
        v2 = BitOperations.RotateLeft(v2, 32);
    }
}
