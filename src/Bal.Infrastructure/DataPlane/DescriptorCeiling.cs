namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// The descriptors from this number on are not for relaying: they are kept for probes, the control socket and the log.
/// Set by the supervisor, since a reload may need more of them for other backends, and read by the loops.
/// </summary>
internal sealed class DescriptorCeiling
{
    private int value;

    public DescriptorCeiling(long ceiling) => Set(ceiling);

    public int Value => Volatile.Read(ref value);

    public void Set(long ceiling) => Volatile.Write(ref value, (int)Math.Clamp(ceiling, 0, int.MaxValue));
}
