namespace Bal.KernelLab.Bpf;

/// <summary>
/// A BPF ring buffer that an epoll can watch: the program names the sockets that need the relay. Watching the sockets
/// themselves would wake
/// the relay for every segment, redirected or not.
/// </summary>
internal sealed unsafe class SignalRing
{
    private const uint Size = 1 << 20;
    private const uint PageSize = 4096;
    private const uint Busy = 1u << 31;
    private const uint HeaderSize = 8;

    private readonly BpfMap map = new(BpfMap.RingBuffer, 0, 0, Size);
    private readonly ulong* consumer;
    private readonly ulong* producer;
    private readonly byte* data;

    public SignalRing()
    {
        consumer = (ulong*)Kernel.Map(map.Fd, PageSize, Kernel.PROT_READ | Kernel.PROT_WRITE, 0);
        // The data is mapped twice in a row, so that no record has to be put together.
        producer = (ulong*)Kernel.Map(map.Fd, PageSize + 2 * Size, Kernel.PROT_READ, PageSize);
        data = (byte*)producer + PageSize;
    }

    public int Fd => map.Fd;

    /// <summary>The next slot that asks; -1 where none does.</summary>
    public int Next()
    {
        var position = *consumer;
        if (position >= Volatile.Read(ref *producer))
            return -1;
        var record = data + (position & (Size - 1));
        var length = Volatile.Read(ref *(uint*)record);
        if ((length & Busy) != 0)
            return -1;
        var slot = (int)*(ulong*)(record + HeaderSize);
        Volatile.Write(ref *consumer, position + HeaderSize + ((length + 7) & ~7u));
        return slot;
    }
}
