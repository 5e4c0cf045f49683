using System.Runtime.InteropServices;
using Bal.Domain.Admission;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// The connections that no service is assured of (<see cref="DescriptorShare"/>): one number for all loops and
/// services, and touched only for a connection beyond what its service is assured of.
/// </summary>
internal sealed class SharedPlaces
{
    private long size;
    private Padded used;

    /// <summary>How many there are.</summary>
    public long Size
    {
        get => Volatile.Read(ref size);
        set => Volatile.Write(ref size, value);
    }

    /// <summary>How many are taken.</summary>
    public long Used => Volatile.Read(ref used.Value);

    /// <summary>Takes one for a connection.</summary>
    public bool TryTake() => TryTake(Size);

    /// <summary>
    /// Takes one for a pipe, which needs two descriptors like a connection. Pipes only save time, so one half is never
    /// theirs.
    /// </summary>
    public bool TryTakeForPipe() => TryTake(Size / 2);

    /// <summary>Takes one for a connection that is open already, even if there is none left.</summary>
    public void Take() => Interlocked.Increment(ref used.Value);

    /// <summary>Gives one back.</summary>
    public void Give() => Interlocked.Decrement(ref used.Value);

    private bool TryTake(long most)
    {
        while (true)
        {
            var seen = Volatile.Read(ref used.Value);
            if (seen >= most)
                return false;
            if (Interlocked.CompareExchange(ref used.Value, seen + 1, seen) == seen)
                return true;
        }
    }

    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Padded
    {
        [FieldOffset(64)]
        public long Value;
    }
}
