using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Process;
using Bal.Infrastructure.Reacting;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// Puts the PID file and the control socket back where somebody has removed or replaced them while bal runs: without
/// them no command would find it. It leaves alone what belongs to others, and never makes BAL_HOME itself again: a
/// directory that was removed may have been meant to go, so bal says so and waits until it is back.
/// </summary>
internal sealed class HomeGuard : IDisposable
{
    /// <summary>After the last thing has gone: who removes several must not find them put back in between.</summary>
    private static readonly Duration Pause = new(300);

    /// <summary>How often something that cannot be restored now is tried again.</summary>
    private static readonly Duration Search = new(2_000);

    /// <summary>
    /// How often the files are looked at though nothing was heard: one may have been replaced by another.
    /// </summary>
    private static readonly Duration Rarely = new(10_000);

    private readonly Reactor reactor;
    private readonly BalHome home;
    private readonly PidFile pid;
    private readonly ControlServer control;
    private readonly Action<LogEvent> say;
    private readonly Timers.Timer next;
    private Inotify? watch;
    private ulong tag;
    private bool held;
    private string failed = "";
    private string complained = "";

    public HomeGuard(Reactor reactor, BalHome home, PidFile pid, ControlServer control, Action<LogEvent> say)
    {
        (this.reactor, this.home, this.pid, this.control, this.say) = (reactor, home, pid, control, say);
        next = new Timers.Timer(Look);
        Watch();
        // What went while another process handed them over.
        reactor.Arm(next, Pause);
    }

    /// <summary>
    /// While they are handed over nothing is restored, since the other process would get what was there before.
    /// </summary>
    public void Hold(bool hold)
    {
        held = hold;
        reactor.Arm(next, Pause);
    }

    public void Dispose()
    {
        next.Cancel();
        Unwatch();
    }

    private void Watch()
    {
        Unwatch();
        watch = Inotify.Over(home.Root, out var errno);
        if (watch is not null)
            tag = reactor.Watch(watch.Fd, Libc.EPOLLIN, _ => OnGone());
        else if (FileFacts.Of(home.Root, follow: true) is not null)
            Facilities.Refused(Facility.Inotify, errno);
    }

    private void Unwatch()
    {
        if (watch is null)
            return;
        reactor.Unwatch(watch.Fd, tag);
        watch.Dispose();
        watch = null;
    }

    private void OnGone()
    {
        watch?.Clear();
        reactor.Arm(next, Pause);
    }

    private void Look()
    {
        reactor.Arm(next, Rarely);
        if (held)
            return;
        if (FileFacts.Of(home.Root, follow: true) is null)
        {
            Complain(Removed());
            return;
        }

        // It may be another directory than before. Watched first, so that nothing goes unseen after the look.
        Watch();
        // The rules of a start: nothing is written into a directory that others control.
        home.Ensure().Match(Right: _ => Restore(), Left: Complain);
    }

    // Each for itself: what is wrong with one of them does not keep the other away.
    private void Restore()
    {
        var (file, socket) = (pid.Restore(), control.Restore());
        string[] restored =
        [
            .. file.Exists(done => done) ? ["bal.pid"] : Array.Empty<string>(),
            .. socket.Exists(done => done) ? ["bal.sock"] : Array.Empty<string>(),
        ];
        if (restored.Length > 0)
            say(LogEvent.Warn("lifecycle", "home_restored",
                $"{string.Join(" and ", restored)} restored in {home.Root} after being removed",
                LogField.Of("files", string.Join(" ", restored))));
        file.Bind(_ => socket).Match(
            Right: _ => (failed, complained) = ("", ""),
            Left: problem =>
            {
                // A start that is about to find out that bal runs holds the file for a moment.
                if (failed == problem.Code)
                    Complain(problem);
                failed = problem.Code;
                reactor.Arm(next, Search);
            });
    }

    private void Complain(Problem problem)
    {
        if (problem.Code != complained)
            say(LogEvent.Failure("lifecycle", problem.Code, problem));
        complained = problem.Code;
        reactor.Arm(next, Search);
    }

    private Problem Removed() => new(
        "home_removed",
        $"{home.Root} was removed while bal is running: commands can no longer reach it",
        "the directory was deleted or moved by hand, or by a cleanup job",
        $"create it again ('mkdir -m 0700 {home.Root}') and bal puts its files back; or end bal with 'kill -TERM "
        + $"{Environment.ProcessId}'");
}
