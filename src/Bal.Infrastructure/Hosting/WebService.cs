using System.Globalization;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Process;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// The process that serves the page and the metrics (<c>web</c>): started, watched, started again where it ends, and
/// ended. It is given a listening socket and a link on which it may ask what <see cref="WebAnswers"/> answers, and
/// nothing else; bal balances on without it. Used by the supervisor's thread.
/// </summary>
/// <param name="reactor">That thread.</param>
/// <param name="answer">Answers a request, once.</param>
/// <param name="log">Where it is told what becomes of it.</param>
internal sealed class WebService(
    Reactor reactor, Action<string, Action<WebAnswer>> answer, Action<LogEvent> log) : IDisposable
{
    /// <summary>The program, beside that of bal.</summary>
    public const string Program = "bal-web";

    private static readonly Duration FirstPause = new(200);
    private static readonly Duration LongestPause = new(30_000);
    private static readonly Duration Steady = new(10_000);
    private static readonly Duration Leaving = new(3_000);

    private Option<WebConfig> config = Option<WebConfig>.None;
    private (string Address, int Fd)? handed;
    private WebListener? listener;
    private ChildProcess? child;
    private ulong linkTag;
    private ulong pidfdTag;
    private bool isReady;
    private Instant startedAt;
    private Duration pause = FirstPause;
    private Timers.Timer? retry;
    private Problem? problem;

    /// <summary>How it is; none where nothing is to be served.</summary>
    public Option<WebReport> Report => config.Map(web => new WebReport(
        $"{web.Listen}",
        isReady && child is { } running ? running.Pid : Option<int>.None,
        Prelude.Optional(problem)));

    /// <summary>The listening socket of the process that this one has replaced.</summary>
    public void Inherit(LinkMessage message)
    {
        if (message.Lines is [_, var address] && message.Descriptors is [var fd] && handed is null)
            handed = (address, fd);
        else
            message.CloseDescriptors();
    }

    /// <summary>Serves as a configuration wants it from now on.</summary>
    public void Apply(Option<WebConfig> next)
    {
        var before = config;
        config = next;
        next.Match(web => Serve(web, before), End);
        // What was handed over is of use at once, or never.
        if (handed is { } unused)
            _ = Libc.close(unused.Fd);
        handed = null;
    }

    /// <summary>Leaves the listening socket to the process that replaces this one.</summary>
    public void HandOver(Link? successor)
    {
        if (listener is not null && successor?.Send($"web\n{listener.Address}", listener.Fd) == true)
            listener.HandOver();
        config = Option<WebConfig>.None;
        End();
    }

    public void Dispose()
    {
        config = Option<WebConfig>.None;
        End();
        if (handed is { } unused)
            _ = Libc.close(unused.Fd);
        handed = null;
    }

    private void Serve(WebConfig web, Option<WebConfig> before)
    {
        if (before.Exists(b => b.Listen != web.Listen))
            End();
        if (handed is { } given && given.Address == $"{web.Listen}" && listener is null)
        {
            listener = WebListener.Inherited(web.Listen, given.Fd);
            handed = null;
        }

        if (child is not null)
            TellHosts(child.Link, web);
        else
            Start();
    }

    private void Start()
    {
        retry?.Cancel();
        retry = null;
        if (config.Case is not WebConfig web)
            return;
        if (listener is null)
        {
            WebListener.Open(web.Listen).Match(Right: opened => listener = opened, Left: Fail);
            if (listener is null)
                return;
        }

        StartProgram().Match(Right: started => Watch(started, web), Left: Fail);
    }

    private static Either<Problem, ChildProcess> StartProgram()
    {
        var own = ProgramPath.Value ?? "bal";
        var program = Path.Combine(Path.GetDirectoryName(own) ?? "", Program);
        // Nothing of the environment concerns it; it serves strangers, and should know nothing that it need not.
        return ChildProcess.Start([program], ["BAL_WEB=3"], detached: true).MapLeft(errno => new Problem(
            "web_not_started",
            $"the page and the metrics are not served: {program} could not be started: {Errno.Text(errno)}",
            errno is Errno.EAGAIN or Errno.ENOMEM or Errno.EMFILE or Errno.ENFILE
                ? "a limit on processes, memory or open files is reached"
                : "bal was installed without it, or it is not executable",
            $"install {Program} beside bal (scripts/install.sh does), or remove 'web' from the configuration and run "
                + "'bal graceful'; bal tries again by itself"));
    }

    private void Watch(ChildProcess started, WebConfig web)
    {
        (child, isReady, startedAt) = (started, false, reactor.Now);
        linkTag = reactor.Watch(started.Link.Fd, Libc.EPOLLIN, _ => ReadLink(started));
        pidfdTag = reactor.Watch(started.Pidfd, Libc.EPOLLIN, _ => Gone(started));
        _ = started.Link.Send("serve", listener!.Fd);
        TellHosts(started.Link, web);
    }

    private static void TellHosts(Link link, WebConfig web) =>
        _ = link.Send(string.Join('\n', web.Hosts.Map(host => $"{host}").Take(100).Prepend("hosts")));

    private void ReadLink(ChildProcess from)
    {
        while (child == from && from.Link.Receive() is { IsSome: true } received)
        {
            var message = (LinkMessage)received;
            message.CloseDescriptors();
            if (message.Word == LinkMessage.Closed)
            {
                reactor.Unwatch(from.Link.Fd, linkTag);
                // Whoever cannot ask serves nobody: it is ended, where it does not end by itself.
                from.Kill();
                return;
            }

            if (message.Word == "ready")
                Ready(from);
            else if (message.Lines is ["ask", var number, var request])
                answer(request, a => Answer(from, number, a));
        }
    }

    private void Ready(ChildProcess from)
    {
        isReady = true;
        problem = null;
        log(LogEvent.Info("web", "web_started", $"the page and the metrics are served on {listener!.Address}",
            LogField.Of("listen", $"{listener.Address}"), LogField.Of("pid", from.Pid)));
    }

    private static void Answer(ChildProcess from, string number, WebAnswer answer) => _ = from.Link.SendDocument(
        string.Create(CultureInfo.InvariantCulture, $"answer\n{number}\n{answer.Status}\n{answer.ContentType}"),
        answer.Body.Span);

    private void Gone(ChildProcess from)
    {
        var how = from.Reap();
        Forget(from);
        if (child != from)
            return;
        child = null;
        isReady = false;
        if (Steady.Milliseconds <= reactor.Now.Since(startedAt).Milliseconds)
            pause = FirstPause;
        Fail(new Problem(
            "web_ended",
            $"the page and the metrics are not served: {Program} {how}",
            "it ran out of memory, was killed, or has a bug",
            $"nothing: bal starts it again; if it goes on, run 'dmesg' and report what {Program} ended with"));
    }

    private void Forget(ChildProcess from)
    {
        reactor.Unwatch(from.Link.Fd, linkTag);
        reactor.Unwatch(from.Pidfd, pidfdTag);
        from.Dispose();
    }

    // Said once, however often it is tried again.
    private void Fail(Problem why)
    {
        if (problem != why)
        {
            log(LogEvent.Warn("web", why.Code, why.WhatHappened,
                LogField.Of("why_likely", why.WhyLikely), LogField.Of("do_this_now", why.DoThisNow)));
        }

        problem = why;
        retry = reactor.After(pause, Start);
        pause = new Duration(Math.Min(2 * pause.Milliseconds, LongestPause.Milliseconds));
    }

    private void End()
    {
        retry?.Cancel();
        (retry, problem, isReady, pause) = (null, null, false, FirstPause);
        listener?.Dispose();
        listener = null;
        if (child is not { } leaving)
            return;
        child = null;
        var (link, pidfd) = (linkTag, pidfdTag);
        reactor.Unwatch(leaving.Link.Fd, link);
        reactor.Unwatch(leaving.Pidfd, pidfd);
        // It ends by itself once its link is closed.
        leaving.Link.Dispose();
        var overdue = reactor.After(Leaving, leaving.Kill);
        var tag = 0UL;
        tag = reactor.Watch(leaving.Pidfd, Libc.EPOLLIN, what =>
        {
            overdue.Cancel();
            _ = leaving.Reap();
            reactor.Unwatch(leaving.Pidfd, tag);
            leaving.Dispose();
        });
    }
}

/// <summary>An answer to a request of <see cref="WebService.Program"/>.</summary>
/// <param name="Status">The status of HTTP.</param>
/// <param name="ContentType">What <paramref name="Body"/> is.</param>
/// <param name="Body">The content.</param>
internal sealed record WebAnswer(int Status, string ContentType, ReadOnlyMemory<byte> Body);
