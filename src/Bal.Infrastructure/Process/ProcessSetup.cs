using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.Process;

/// <summary>What every run of the binary does before anything else.</summary>
public static class ProcessSetup
{
    /// <summary>
    /// Fills closed standard descriptors, and turns a reader that goes away (<c>bal status | head -1</c>) into an error
    /// of the write instead of a signal; likewise a limit on the size of files.
    /// </summary>
    public static void Prepare()
    {
        Libc.FillStandardDescriptors();
        Libc.IgnoreSigpipe();
        ProgramPath.Remember();
        Libc.IgnoreFileSizeSignal();
    }

    /// <summary>
    /// Keeps the signals that mean something to a balancer until it serves, and from every thread: to be called by what
    /// becomes one, before it starts a thread.
    /// </summary>
    public static void DeferSignals() => SignalMask.BlockEverywhere();

    /// <summary>Raises the soft limit on open files to the hard one (setrlimit(2)).</summary>
    /// <returns>The limit in force afterwards; -1 if it is unknown, <see cref="long.MaxValue"/> if there is
    /// none.</returns>
    public static long RaiseDescriptorLimit() => Libc.RaiseDescriptorLimit();
}
