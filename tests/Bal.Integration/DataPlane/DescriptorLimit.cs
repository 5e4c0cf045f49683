using System.Runtime.InteropServices;

namespace Bal.Integration.DataPlane;

/// <summary>Takes from the whole process, for a moment, the right to open anything (RLIMIT_NOFILE, getrlimit(2)).</summary>
internal static unsafe partial class DescriptorLimit
{
    private const int NoFile = 7;

    // The standard three are open, and poll(2) of this many still works.
    private const ulong Least = 3;

    /// <summary>No descriptor can be opened until the result is disposed; those that are open stay.</summary>
    public static IDisposable Reached()
    {
        RLimit before;
        Assert.Equal(0, getrlimit(NoFile, &before));
        var restore = new Restore(before);
        Set(before with { Soft = Least });
        return restore;
    }

    private static void Set(RLimit limit)
    {
        if (setrlimit(NoFile, &limit) != 0)
            throw new InvalidOperationException("setrlimit(2) failed");
    }

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, RLimit* limit);

    [LibraryImport("libc")]
    private static partial int setrlimit(int resource, RLimit* limit);

    [StructLayout(LayoutKind.Sequential)]
    private record struct RLimit(ulong Soft, ulong Hard);

    private sealed class Restore(RLimit before) : IDisposable
    {
        public void Dispose() => Set(before);
    }
}
