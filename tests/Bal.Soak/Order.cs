using System.Buffers.Binary;

namespace Bal.Soak;

/// <summary>What a client asks of whichever backend it gets.</summary>
internal enum Kind
{
    /// <summary>Bytes both ways at once; then the count of what arrived, and a FIN.</summary>
    Duplex,

    /// <summary>Bytes to the client, then an RST.</summary>
    Reset,

    /// <summary>One byte, and silence for as long as the client likes.</summary>
    Hold,
}

/// <summary>The first bytes of a connection.</summary>
internal sealed record Order(long Id, Kind Kind, int Up, int Down)
{
    public const int Length = 24;

    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Id);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), (int)Kind);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), Up);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), Down);
        return bytes;
    }

    public static Order Parse(byte[] bytes) => new(
        BinaryPrimitives.ReadInt64LittleEndian(bytes),
        (Kind)BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(8)),
        BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(12)),
        BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(16)));
}
