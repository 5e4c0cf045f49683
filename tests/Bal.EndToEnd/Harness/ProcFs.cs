using System.Globalization;

namespace Bal.EndToEnd.Harness;

/// <summary>What the kernel knows of a process (proc(5)).</summary>
internal static class ProcFs
{
    /// <summary>Whether any thread of it runs: the first may be a zombie while the last still holds locks.</summary>
    public static bool IsAlive(int pid)
    {
        try
        {
            return StatFields(pid)[0] is not ("Z" or "X") || Directory.GetDirectories($"/proc/{pid}/task").Length > 1;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>How many descriptors of a kind it has: "socket:", "pipe:" or "anon_inode:".</summary>
    public static int Descriptors(int pid, string kind) => Directory.GetFileSystemEntries($"/proc/{pid}/fd")
        .Count(fd => new FileInfo(fd).LinkTarget?.StartsWith(kind, StringComparison.Ordinal) ?? false);

    /// <summary>
    /// What the kernel holds of one end of a connection over IPv4: unacknowledged and unread bytes (proc(5)).
    /// </summary>
    public static (long Unsent, long Unread) Queues(EndPoint local, EndPoint remote)
    {
        var wanted = $"{Hex(local)} {Hex(remote)}";
        // The table changes while it is read, and may miss a row that is there.
        string[]? row = null;
        Assert.True(SpinWait.SpinUntil(
            () => (row = File.ReadLines("/proc/net/tcp")
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .FirstOrDefault(fields => $"{fields[1]} {fields[2]}" == wanted)) is not null,
            Eventually.Patience), $"no connection {wanted}");
        var queues = row![4].Split(':');
        return (Convert.ToInt64(queues[0], 16), Convert.ToInt64(queues[1], 16));

        static string Hex(EndPoint at) =>
            $"{BitConverter.ToUInt32(((IPEndPoint)at).Address.GetAddressBytes()):X8}:{((IPEndPoint)at).Port:X4}";
    }

    public static long ResidentBytes(int pid) => StatusNumber($"/proc/{pid}/status", "VmRSS:") * 1024;

    public static TimeSpan CpuTime(int pid)
    {
        // utime and stime are fields 14 and 15, in hundredths of a second; the state is field 3.
        var fields = StatFields(pid);
        return TimeSpan.FromMilliseconds(10 * (Number(fields[11]) + Number(fields[12])));
    }

    /// <summary>Time on a processor, to the nanosecond (schedstat, the kernel's sched-stats.rst).</summary>
    public static TimeSpan RunTime(int pid) => TimeSpan.FromMicroseconds(Directory.GetDirectories($"/proc/{pid}/task")
        .Sum(task => Number(File.ReadAllText($"{task}/schedstat").Split(' ')[0])) / 1_000);

    /// <summary>The hard limit of open files.</summary>
    public static long DescriptorLimit(int pid) => Number(File.ReadLines($"/proc/{pid}/limits")
        .First(l => l.StartsWith("Max open files", StringComparison.Ordinal))
        .Split(' ', StringSplitOptions.RemoveEmptyEntries)[4]);

    public static long VoluntarySwitches(int pid) => Directory.GetDirectories($"/proc/{pid}/task")
        .Sum(task => StatusNumber($"{task}/status", "voluntary_ctxt_switches:"));

    /// <summary>The pids whose environment says so; how a test finds a process that must not exist.</summary>
    public static IReadOnlyList<int> WithVariable(string name, string value)
    {
        var wanted = $"{name}={value}";
        var found = new List<int>();
        foreach (var directory in Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var pid))
                continue;
            try
            {
                if (File.ReadAllText($"{directory}/environ").Split('\0').Contains(wanted) && IsAlive(pid))
                    found.Add(pid);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Ended meanwhile, or another user's.
            }
        }

        return found;
    }

    /// <summary>The processes of one BAL_HOME that serve, or are about to; commands are not among them.</summary>
    public static IReadOnlyList<int> Serving(string home) => [.. WithVariable("BAL_HOME", home).Where(pid =>
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Split('\0').Contains("start");
        }
        catch (IOException)
        {
            return false;
        }
    })];

    /// <summary>Processes and threads of a user, which is what RLIMIT_NPROC counts.</summary>
    public static int ThreadsOf(int user)
    {
        var threads = 0;
        foreach (var directory in Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out _))
                continue;
            try
            {
                var status = File.ReadAllText($"{directory}/status");
                if (status.Contains($"\nUid:\t{user}\t", StringComparison.Ordinal))
                    threads += Directory.GetDirectories($"{directory}/task").Length;
            }
            catch (IOException)
            {
                // Ended meanwhile.
            }
        }

        return threads;
    }

    /// <summary>The signals that each thread of it blocks; signal n is bit n - 1.</summary>
    public static IReadOnlyList<ulong> BlockedSignals(int pid) => [.. Directory.GetDirectories($"/proc/{pid}/task")
        .Select(task => File.ReadLines($"{task}/status").First(l => l.StartsWith("SigBlk:", StringComparison.Ordinal)))
        .Select(line => Convert.ToUInt64(line["SigBlk:".Length..].Trim(), 16))];

    // The command's name stands in parentheses and may hold anything.
    private static string[] StatFields(int pid)
    {
        var text = File.ReadAllText($"/proc/{pid}/stat");
        return text[(text.LastIndexOf(')') + 2)..].Split(' ');
    }

    private static long StatusNumber(string path, string label)
    {
        var line = File.ReadLines(path).First(l => l.StartsWith(label, StringComparison.Ordinal));
        return Number(line[label.Length..].Replace("kB", "", StringComparison.Ordinal).Trim());
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
