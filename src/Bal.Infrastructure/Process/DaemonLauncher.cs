using System.Globalization;
using System.Text;
using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Systemd;
using LanguageExt;

namespace Bal.Infrastructure.Process;

/// <summary>Starts this very binary again as a daemon and waits until it accepts connections or says why not.</summary>
public static class DaemonLauncher
{
    private const int MaxReport = 64 * 1024;

    /// <summary>How long a daemon may take until it accepts connections.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    /// <summary>Spawns the daemon and waits for its report.</summary>
    /// <param name="arguments">The command line without the program's name, such as <c>start --config
    /// /etc/…</c>.</param>
    /// <param name="variables">Environment variables that differ from this process's own; null removes one.</param>
    /// <param name="patience">How long to wait; a daemon that is not ready by then is ended.</param>
    /// <returns>The daemon's process id.</returns>
    public static Either<Problem, int> Launch(
        IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string?> variables, TimeSpan patience)
    {
        if (ProgramPath.Value is not { } program) return NotSpawned("bal", Errno.ENOENT);
        if (Descriptors.Pipe(Libc.O_CLOEXEC) is not { } pipe) return NotSpawned(program, Errno.Last);
        var errno = Spawn.Start(
            program, ProgramPath.CommandLine(program, arguments), EnvironmentOf(
                variables), pipe.In, detached: true, out var pid);
        _ = Libc.close(pipe.In);
        try
        {
            if (errno != 0) return NotSpawned(program, errno);
            return Await(pipe.Out, patience) is { } report ? Understand(report, pid) : TooSlow(pid, patience);
        }
        finally
        {
            _ = Libc.close(pipe.Out);
        }
    }

    private static List<string> EnvironmentOf(IReadOnlyDictionary<string, string?> variables)
    {
        var all = new Dictionary<string, string?>(variables) { [Readiness.Variable] = "3" };
        // A service manager watches the process that it has started itself.
        foreach (var name in ManagerEnvironment.Variables) all[name] = null;
        return ProcessEnvironment.With(all);
    }

    /// <summary>What was written until the pipe was closed; null if it stays open for longer.</summary>
    private static string? Await(int fd, TimeSpan patience)
    {
        var deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        var report = new List<byte>();
        Span<byte> buffer = stackalloc byte[4096];
        while (Libc.WaitFor(fd, Libc.POLLIN, Math.Max(0, deadline - Environment.TickCount64)))
        {
            var length = Descriptors.Read(fd, buffer);
            if (length < 0 && Errno.Last == Errno.EINTR) continue;
            if (length <= 0 || report.Count > MaxReport) return Encoding.UTF8.GetString([.. report]);
            report.AddRange(buffer[..length]);
        }
        return null;
    }

    private static Either<Problem, int> Understand(string report, int pid)
    {
        var lines = report.Split('\n');
        if (lines[0] == string.Create(CultureInfo.InvariantCulture, $"ready {pid}")) return pid;
        if (lines[0].StartsWith("failed ", StringComparison.Ordinal) && lines.Length >= 4)
        {
            Descriptors.Reap(pid, Libc.WNOHANG);
            return new Problem(lines[0]["failed ".Length..], lines[1], lines[2], lines[3]);
        }
        return Died(pid);
    }

    private static Problem Died(int pid)
    {
        var status = Descriptors.Reap(pid, 0);
        var how = (status & 0x7f) != 0
            ? string.Create(CultureInfo.InvariantCulture, $"was killed by signal {status & 0x7f}")
            : string.Create(CultureInfo.InvariantCulture, $"ended with exit code {(status >> 8) & 0xff}");
        return new Problem(
            "daemon_died",
            $"the daemon {how} before it accepted connections",
            (status & 0x7f) == Libc.SIGKILL
                ? "the machine is out of memory, or somebody killed it"
                : "it failed while starting",
            "run 'bal start' without -d to watch it fail");
    }

    private static Problem TooSlow(int pid, TimeSpan patience)
    {
        // It is this process's own child and not yet reaped, so the number still means it.
        _ = Libc.kill(pid, Libc.SIGTERM);
        return new Problem(
            "daemon_too_slow",
            string.Create(CultureInfo.InvariantCulture,
                $"the daemon (pid={pid}) accepted no connections within {patience.TotalSeconds:0} s and was ended"),
            "the machine is overloaded, or a name server does not answer",
            "run 'bal start' without -d to watch it start");
    }

    private static Problem NotSpawned(string program, int errno) => new(
        "daemon_not_spawned",
        $"{program} could not be started as a daemon: {Errno.Text(errno)}",
        errno is Errno.EAGAIN or Errno.ENOMEM or Errno.EMFILE or Errno.ENFILE
            ? "a limit on processes, memory or open files is reached"
            : "the binary was moved, replaced or made not executable",
        "run 'bal start' without -d, or install bal again");
}
