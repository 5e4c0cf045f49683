using System.Runtime.InteropServices;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Records of one event loop on their way to the access log, in native memory of a fixed size. One thread puts, one
/// takes, and neither ever waits: what finds no room is dropped and counted.
/// </summary>
internal sealed unsafe class AccessRing : IDisposable
{
    /// <summary>Bytes of a ring: some 5,000 records without a name.</summary>
    public const int Size = 1 << 20;

    private const int Grain = 16;
    private const int Head = 8;
    private const int Skip = -1;

    private readonly byte* bytes = (byte*)NativeMemory.AlignedAlloc(Size, 64);
    private Padded at;

    /// <summary>Connections whose record found no room, those that it counts included.</summary>
    public long Dropped => Volatile.Read(ref at.Dropped);

    /// <summary>Whether there is nothing to take.</summary>
    public bool IsEmpty => Volatile.Read(ref at.Written) == Volatile.Read(ref at.Taken);

    /// <summary>
    /// Whether so much of it is full that waiting any longer may cost records; for the one who puts.
    /// </summary>
    public bool IsFilling =>
        at.Written - at.SeenTaken > Size / 4
        && at.Written - (at.SeenTaken = Volatile.Read(ref at.Taken)) > Size / 4;

    /// <summary>Puts a record with the name that belongs to it, or counts it as dropped.</summary>
    public void Put(in AccessRecord record, ReadOnlySpan<byte> name)
    {
        var length = (Head + sizeof(AccessRecord) + name.Length + Grain - 1) / Grain * Grain;
        var (written, place) = (at.Written, (int)(at.Written & (Size - 1)));
        var skipped = Size - place < length ? Size - place : 0;
        if (Size - (written - at.SeenTaken) < length + skipped)
        {
            at.SeenTaken = Volatile.Read(ref at.Taken);
            if (Size - (written - at.SeenTaken) < length + skipped)
            {
                Volatile.Write(ref at.Dropped, at.Dropped + 1 + record.Suppressed);
                return;
            }
        }

        if (skipped > 0)
        {
            *(int*)(bytes + place) = Skip;
            (written, place) = (written + skipped, 0);
        }

        var into = bytes + place;
        *(int*)into = length;
        *(int*)(into + sizeof(int)) = name.Length;
        *(AccessRecord*)(into + Head) = record;
        name.CopyTo(new Span<byte>(into + Head + sizeof(AccessRecord), name.Length));
        Volatile.Write(ref at.Written, written + length);
    }

    /// <summary>Takes the oldest record; the length of its name, which is copied as well, or -1 where there is none.
    /// </summary>
    public int TryTake(ref AccessRecord record, Span<byte> name)
    {
        var taken = at.Taken;
        if (taken == Volatile.Read(ref at.Written))
            return -1;
        var from = bytes + (int)(taken & (Size - 1));
        if (*(int*)from == Skip)
        {
            taken += Size - (taken & (Size - 1));
            from = bytes;
        }

        var (length, named) = (*(int*)from, *(int*)(from + sizeof(int)));
        record = *(AccessRecord*)(from + Head);
        named = Math.Min(named, name.Length);
        new ReadOnlySpan<byte>(from + Head + sizeof(AccessRecord), named).CopyTo(name);
        Volatile.Write(ref at.Taken, taken + length);
        return named;
    }

    public void Dispose() => NativeMemory.AlignedFree(bytes);

    /// <summary>What either side writes is on a cache line of its own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Padded
    {
        [FieldOffset(64)]
        public long Written;

        /// <summary>What the one who puts knows of <see cref="Taken"/>.</summary>
        [FieldOffset(72)]
        public long SeenTaken;

        [FieldOffset(80)]
        public long Dropped;

        [FieldOffset(128)]
        public long Taken;
    }
}
