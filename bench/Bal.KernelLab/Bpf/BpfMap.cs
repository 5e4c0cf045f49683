using System.Runtime.CompilerServices;
using Bal.Infrastructure.Linux;

namespace Bal.KernelLab.Bpf;

/// <summary>A BPF map, and the commands of bpf(2) on it.</summary>
internal sealed unsafe class BpfMap
{
    public const uint Hash = 1;
    public const uint Array = 2;
    public const uint Sockmap = 15;
    public const uint RingBuffer = 27;
    public const uint Mmapable = 1 << 10;

    private const int BPF_MAP_CREATE = 0;
    private const int BPF_MAP_UPDATE_ELEM = 2;
    private const int BPF_MAP_DELETE_ELEM = 3;

    /// <param name="type">One of the types above (enum bpf_map_type).</param>
    /// <param name="keySize">Bytes.</param>
    /// <param name="valueSize">Bytes.</param>
    /// <param name="entries">Its bound; of a ring buffer, its bytes.</param>
    /// <param name="flags"><see cref="Mmapable"/> or nothing.</param>
    public BpfMap(uint type, uint keySize, uint valueSize, uint entries, uint flags = 0)
    {
        var attributes = stackalloc uint[5] { type, keySize, valueSize, entries, flags };
        Fd = Kernel.Bpf(BPF_MAP_CREATE, attributes, 20, $"creating BPF map of type {type}");
    }

    public int Fd { get; }

    /// <summary>Zero or errno: a sockmap refuses a socket that is no longer established (EOPNOTSUPP).</summary>
    public int Update<TKey, TValue>(TKey key, TValue value)
        where TKey : unmanaged
        where TValue : unmanaged => Command(BPF_MAP_UPDATE_ELEM, &key, &value);

    public void Delete<TKey>(TKey key)
        where TKey : unmanaged => _ = Command(BPF_MAP_DELETE_ELEM, &key, null);

    private int Command(int command, void* key, void* value)
    {
        // union bpf_attr of the element commands: map_fd (padded to 8 bytes), key, value, flags
        var attributes = stackalloc ulong[4] { (uint)Fd, (ulong)key, (ulong)value, 0 };
        return Kernel.Bpf(command, attributes, (uint)(4 * Unsafe.SizeOf<ulong>()), null) >= 0 ? 0 : Sockets.LastError;
    }
}
