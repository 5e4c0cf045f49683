using System.Globalization;
using Bal.Domain.Metrics;
using LanguageExt;

namespace Bal.Infrastructure.Linux;

/// <summary>What /proc says of this process (proc(5)).</summary>
internal static class OwnFigures
{
    // In what /proc/PID/stat counts: USER_HZ, which is 100 on every architecture that bal runs on.
    private const double TicksPerSecond = 100;
    private const int StartTimeAfterName = 19;

    /// <summary>The figures of this moment.</summary>
    /// <param name="descriptors">How many file descriptors this process may have.</param>
    public static ProcessFigures Read(double descriptors) => new()
    {
        OpenDescriptors = Try(() => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count()),
        MaxDescriptors = descriptors,
        ResidentBytes = Try(() => Number(File.ReadAllText("/proc/self/statm").Split(' ')[1])
            * Environment.SystemPageSize),
        CpuSeconds = Environment.CpuUsage.TotalTime.TotalSeconds,
        StartedAtSeconds = Try(() => BootedAt() + StartedAfterBoot()),
    };

    private static double BootedAt() =>
        Number(File.ReadLines("/proc/stat").First(line => line.StartsWith("btime ", StringComparison.Ordinal))[6..]);

    // The name of the command stands in parentheses before it, and may hold anything.
    private static double StartedAfterBoot() => File.ReadAllText("/proc/self/stat") is var stat
        ? Number(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[StartTimeAfterName]) / TicksPerSecond
        : 0;

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static Option<double> Try(Func<double> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException
            or InvalidOperationException or IndexOutOfRangeException)
        {
            return Option<double>.None;
        }
    }
}
