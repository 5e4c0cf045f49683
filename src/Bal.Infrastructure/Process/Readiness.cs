using System.Globalization;
using System.Text;
using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.Process;

/// <summary>
/// The daemon's side of the readiness pipe: one report, then it is closed. A daemon that ends without one closes it as
/// well, and thus tells the launcher that it died.
/// </summary>
public sealed class Readiness
{
    /// <summary>The environment variable that names the descriptor.</summary>
    internal const string Variable = "BAL_READY_FD";

    private int _fd;

    private Readiness(int fd) => _fd = fd;

    /// <summary>
    /// Whether a launcher waits for the report: this process is a daemon that <c>start -d</c> has spawned.
    /// </summary>
    public bool IsExpected => _fd >= 0;

    /// <summary>Takes the descriptor out of the environment; without one, reports go nowhere.</summary>
    public static Readiness FromEnvironment()
    {
        var text = Environment.GetEnvironmentVariable(Variable);
        Environment.SetEnvironmentVariable(Variable, null);
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var fd) || fd <= 2) return new(-1);
        // A launcher hands over a pipe. Whatever else has that number here belongs to somebody else.
        var ok = FileFacts.Of(fd) is { IsPipe: true } && Libc.fcntl(fd, Libc.F_SETFD, Libc.FD_CLOEXEC) == 0;
        return new(ok ? fd : -1);
    }

    /// <summary>
    /// Leaves the launcher's directory, so that the daemon keeps no file system busy: call it after every relative
    /// path has been resolved.
    /// </summary>
    public void LeaveDirectory()
    {
        if (IsExpected) _ = Libc.chdir("/");
    }

    /// <summary>Says that connections are accepted.</summary>
    public void ReportReady() => Send(string.Create(CultureInfo.InvariantCulture, $"ready {Environment.ProcessId}\n"));

    /// <summary>Says why nothing was started.</summary>
    public void ReportProblem(Problem problem) => Send(
        $"failed {Line(problem.Code)}\n{Line(problem.WhatHappened)}\n"
        + $"{Line(problem.WhyLikely)}\n{Line(problem.DoThisNow)}\n");

    private static string Line(string text) => text.ReplaceLineEndings(" ");

    private void Send(string report)
    {
        if (!IsExpected) return;
        // Under PIPE_BUF a write to a pipe is whole or fails; a launcher that is gone (EPIPE) no longer cares.
        var bytes = Encoding.UTF8.GetBytes(report);
        _ = Descriptors.Write(_fd, bytes);
        _ = Libc.close(_fd);
        _fd = -1;
    }
}
