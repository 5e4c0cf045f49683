namespace Bal.Infrastructure.Linux;

/// <summary>Another process as the kernel names it, at the moment when it sent or connected.</summary>
/// <param name="Pid">Its process id; 0 where it has none here: the kernel itself, or outside of this container.</param>
/// <param name="User">Its user id.</param>
/// <param name="IsKernel">Whether it was the kernel: a key of the terminal, a limit, a terminal that went
/// away.</param>
internal readonly record struct Peer(int Pid, uint User, bool IsKernel = false);
