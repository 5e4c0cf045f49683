using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Process;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// Puts the PID file and the control socket back where somebody has removed them while bal runs: without them status,
/// graceful and stop would take it for stopped. It never touches what lies there, and never makes BAL_HOME itself
/// again: a directory that was removed may have been meant to go, so bal says so and waits until it is back.
/// </summary>
internal sealed class HomeGuard : IDisposable
{
    /// <summary>After the last thing has gone: who removes several must not find them put back in between.</summary>
    private static readonly Duration Pause = new(300);

    /// <summary>How often a directory that is gone is looked for.</summary>
    private static readonly Duration Search = new(2_000);

    private readonly Reactor reactor;
    private readonly BalHome home;
    private readonly PidFile pid;
    private readonly ControlServer control;
    private readonly Action<LogEvent> say;
    private Inotify? watch;
    private ulong tag;
    private Timers.Timer? planned;
    private string complained = "";

    public HomeGuard(Reactor reactor, BalHome home, PidFile pid, ControlServer control, Action<LogEvent> say)
    {
        (this.reactor, this.home, this.pid, this.control, this.say) = (reactor, home, pid, control, say);
        Watch();
    }

    public void Dispose()
    {
        planned?.Cancel();
        Unwatch();
    }

    private void Watch()
    {
        Unwatch();
        watch = Inotify.Over(home.Root);
        if (watch is not null)
            tag = reactor.Watch(watch.Fd, Libc.EPOLLIN, _ => OnGone());
        else if (FileFacts.Of(home.Root, follow: true) is not null)
            say(LogEvent.Debug("lifecycle", "home_not_watched",
                $"{home.Root} cannot be watched: a PID file or control socket that is removed stays away",
                LogField.Of("reason", Errno.Text(Errno.Last))));
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
        LookAgain(Pause);
    }

    private void LookAgain(Duration after)
    {
        planned?.Cancel();
        planned = reactor.After(after, Look);
    }

    private void Look()
    {
        planned = null;
        var isThere = FileFacts.Of(home.Root, follow: true) is not null;
        // It may be another directory than before. Watched first, so that nothing goes unseen after the look.
        if (isThere)
            Watch();
        // The rules of a start: nothing is written into a directory that others control.
        (isThere ? home.Ensure().Bind(_ => Restore()) : Removed()).Match(Right: Tell, Left: Complain);
    }

    private Either<Problem, Arr<string>> Restore() => pid.Restore().Bind(pidFile =>
        control.Restore().Map(socket => new Arr<string>(
            new[] { pidFile ? "bal.pid" : "", socket ? "bal.sock" : "" }.Where(name => name.Length > 0))));

    private void Tell(Arr<string> restored)
    {
        complained = "";
        if (!restored.IsEmpty)
            say(LogEvent.Warn("lifecycle", "home_restored",
                $"{string.Join(" and ", restored)} had been removed from {home.Root} and is there again",
                LogField.Of("files", string.Join(" ", restored))));
    }

    private void Complain(Problem problem)
    {
        if (problem.Code != complained)
            say(LogEvent.Failure("lifecycle", problem.Code, problem));
        complained = problem.Code;
        LookAgain(Search);
    }

    private Either<Problem, Arr<string>> Removed() => new Problem(
        "home_removed",
        $"{home.Root} was removed while bal runs: status, graceful and stop do not find it any more",
        "the directory was deleted or moved by hand, or by a job that cleans up",
        $"create it again ('mkdir -m 0700 {home.Root}') and bal puts its files back; or end bal with 'kill -TERM "
        + $"{Environment.ProcessId}'");
}
