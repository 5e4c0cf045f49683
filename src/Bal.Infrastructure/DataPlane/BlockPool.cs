using System.Runtime.InteropServices;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Blocks for bytes that one side has sent and the other has not taken yet: at most one a direction of a session, so at
/// most 64 KiB a connection however slow the reader. Only sessions in which something is stuck hold any.
/// </summary>
internal sealed unsafe class BlockPool : IDisposable
{
    /// <summary>
    /// Bytes of a block and of the loop's read buffer; measured best for copying (docs/performance.md).
    /// </summary>
    public const int BlockSize = 32 * 1024;

    /// <summary>Blocks kept for reuse; more are given back to the system.</summary>
    private const int MaxIdle = 32;

    private readonly Stack<nint> idle = new(MaxIdle);

    public byte* Rent() => idle.TryPop(out var block) ? (byte*)block : (byte*)NativeMemory.Alloc(BlockSize);

    public void Return(byte* block)
    {
        if (idle.Count < MaxIdle)
            idle.Push((nint)block);
        else
            NativeMemory.Free(block);
    }

    public void Dispose()
    {
        while (idle.TryPop(out var block))
            NativeMemory.Free((void*)block);
    }
}
