using System.Diagnostics;
using Bal.Domain.Messages;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Accounting;

/// <summary>
/// Takes what the event loops have put into their rings, and writes it as lines. What the file does not take stays in
/// the rings until they are full, and is lost only then, so that a short outage costs nothing. Used by one thread.
/// </summary>
/// <param name="rings">What it takes from.</param>
/// <param name="say">Told what an operator should know.</param>
internal sealed class AccessLogWriter(AccessRings rings, Action<LogEvent> say) : IDisposable
{
    /// <summary>How long records may wait while there are more: one write for all of them.</summary>
    public const int LingerMs = 100;

    private const string Module = "access_log";
    private const int BufferSize = 64 * 1024;
    private const int StalledMs = 1_000;
    private const int FirstRetryMs = 1_000;
    private const int LastRetryMs = 30_000;

    private readonly AccessLine line = new();
    private readonly byte[] buffer = new byte[BufferSize];
    private readonly byte[] name = new byte[256];

    // Of each line in the buffer: where it ends, and the connections that it stands for beside its own.
    private readonly Queue<(int End, long Suppressed)> lines = new(512);
    private int start;
    private int end;
    private AccessFile? file;
    private Option<string> path;
    private Problem? fault;
    private long stalledSince;
    private int retryMs = FirstRetryMs;
    private long retryAt;
    private long lostBefore;
    private long saidLost;
    private long saidLostAt = long.MinValue / 2;
    private bool closing;
    private Func<string, bool> isOwn = _ => false;

    /// <summary>Why lines cannot be written at present; read by other threads.</summary>
    public Problem? Fault => Volatile.Read(ref fault);

    /// <summary>Goes on in another file, or none; what was put before is written to the former one.</summary>
    /// <param name="next">Its path.</param>
    /// <param name="owned">Whether a path names another file that bal uses.</param>
    public void Use(Option<string> next, Func<string, bool> owned)
    {
        isOwn = owned;
        if (next == path)
        {
            // Somebody has seen to what was wrong, and asks for another try.
            retryAt = 0;
            return;
        }

        if (file is not null)
            Drain();
        Close();
        (path, fault, retryMs, retryAt, stalledSince) = (next, null, FirstRetryMs, 0, 0);
        if (path.IsSome)
            _ = IsOpen();
        else
            GiveUp();
    }

    /// <summary>Opens the file again, which may have been renamed; where that fails, the old one stays.</summary>
    public void Reopen() => path.IfSome(named => OpenAt(named).Match(
        Right: opened =>
        {
            file?.Dispose();
            file = opened;
            (retryAt, stalledSince) = (0, 0);
        },
        Left: problem =>
        {
            if (file is null)
                Fail(problem);
            else
                say(LogEvent.Failure(Module, "access_log_reopen_failed", problem));
        }));

    /// <summary>Writes what there is; milliseconds until there may be more to do, negative for no end.</summary>
    public long Work()
    {
        var retired = rings.Labels.Retired;
        var wrote = Drain();
        SayLost();
        if (IsStuck)
            return Math.Clamp(retryAt - Environment.TickCount64, 1, LingerMs);
        rings.Labels.Forget(retired);
        return wrote ? LingerMs : -1;
    }

    /// <summary>Whether something is left that the file does not take.</summary>
    public bool IsStuck => end > start || (path.IsSome && !rings.AreEmpty);

    /// <summary>Counts as dropped what nobody will write any more.</summary>
    public void GiveUp()
    {
        var lost = 0L;
        while (lines.TryDequeue(out var one))
            lost += 1 + one.Suppressed;
        (start, end) = (0, 0);
        AccessRecord record = default;
        for (var loop = 0; loop < rings.Loops; loop++)
        {
            while (rings.TryTake(loop, ref record, name) >= 0)
                lost += 1 + record.Suppressed;
        }

        if (lost > 0)
            rings.Count(new(0, 0, lost));
    }

    /// <summary>Nothing more will be written.</summary>
    public void Dispose()
    {
        GiveUp();
        (closing, saidLostAt) = (true, long.MinValue / 2);
        SayLost();
        Close();
    }

    private void Close()
    {
        file?.Dispose();
        file = null;
    }

    /// <summary>Whether anything was taken from the rings.</summary>
    private bool Drain()
    {
        if (path.IsNone)
        {
            GiveUp();
            return false;
        }

        if (file is { IsGone: true })
            Reopen();
        if (!IsOpen() || !Send())
            return false;
        var (any, wallOffset) = (false, WallOffset());
        AccessRecord record = default;
        for (var loop = 0; loop < rings.Loops; loop++)
        {
            while (true)
            {
                if (BufferSize - end < AccessLine.MaxLength && !Send())
                    return any;
                var named = rings.TryTake(loop, ref record, name);
                if (named < 0)
                    break;
                end += line.Write(buffer, end, record, name.AsSpan(0, named), rings.Labels, wallOffset);
                lines.Enqueue((end, record.Suppressed));
                any = true;
            }
        }

        Send();
        return any;
    }

    // What the wall clock says now, less what the other one does: a clock that is set changes no duration.
    private static long WallOffset() => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()
        - Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000);

    private bool IsOpen()
    {
        if (file is not null)
            return true;
        if (Environment.TickCount64 < retryAt)
            return false;
        OpenAt(path.IfNone("")).Match(Right: opened => file = opened, Left: Fail);
        return file is not null;
    }

    private Either<Problem, AccessFile> OpenAt(string named) =>
        named != Domain.Config.BalConfig.StandardOutput && isOwn(named)
            ? AccessFileProblems.Own(named) : AccessFile.Open(named);

    /// <summary>Writes what is in the buffer; false where something is left.</summary>
    private bool Send()
    {
        if (end == start)
            return true;
        if (Environment.TickCount64 < retryAt)
            return false;
        var wasLost = fault is not null;
        while (start < end)
        {
            var most = MostAtOnce();
            var taken = file!.Write(buffer.AsSpan(start, most), out var errno);
            Took(taken);
            if (errno == 0)
                continue;
            if (errno == Errno.EAGAIN)
                Stall(taken > 0);
            else
                Fail(AccessFileProblems.NotWritten(file.Path, errno));
            return false;
        }

        (start, end, stalledSince) = (0, 0, 0);
        if (wasLost)
            Resume();
        return true;
    }

    // As many whole lines as go together.
    private int MostAtOnce()
    {
        var most = 0;
        foreach (var (lineEnd, _) in lines)
        {
            if (lineEnd - start > file!.MostAtOnce)
                break;
            most = lineEnd - start;
        }

        return most;
    }

    private void Took(int bytes)
    {
        start += bytes;
        var (taken, suppressed) = (0L, 0L);
        while (lines.TryPeek(out var one) && one.End <= start)
        {
            lines.Dequeue();
            taken++;
            suppressed += one.Suppressed;
        }

        if (taken > 0)
            rings.Count(new(taken, suppressed, 0));
    }

    private void Stall(bool moved)
    {
        var now = Environment.TickCount64;
        if (moved || stalledSince == 0)
            stalledSince = now;
        // A reader that is only slow is asked again soon.
        retryAt = now + LingerMs / 4;
        if (now - stalledSince >= StalledMs && fault is null)
            Begin(AccessFileProblems.Stalled(file!.Path));
    }

    private void Fail(Problem problem)
    {
        // Once for each outage; what it has cost is said when it ends.
        if (fault is null)
            Begin(problem);
        retryAt = Environment.TickCount64 + retryMs;
        retryMs = Math.Min(2 * retryMs, LastRetryMs);
    }

    private void Begin(Problem problem)
    {
        lostBefore = rings.Counts.Dropped;
        Volatile.Write(ref fault, problem);
        say(LogEvent.Failure(Module, problem.Code, problem));
    }

    private void Resume()
    {
        var lost = rings.Counts.Dropped - lostBefore;
        (retryMs, saidLost) = (FirstRetryMs, rings.Counts.Dropped);
        Volatile.Write(ref fault, null);
        say(LogEvent.Info(Module, "access_log_resumed",
            $"connections are logged again; {lost} ended meanwhile without a line",
            LogField.Of("dropped", lost)));
    }

    // Too many at once for a file that takes them; those of an outage are said when it ends.
    private void SayLost()
    {
        var dropped = rings.Counts.Dropped;
        var now = Environment.TickCount64;
        if ((fault is not null && path.IsSome && !closing) || dropped <= saidLost || now - saidLostAt < 1_000)
            return;
        say(LogEvent.Warn(Module, "access_log_lines_dropped",
            "connections ended without a line in the access log: they were more than it takes in time",
            LogField.Of("dropped", dropped - saidLost)));
        (saidLost, saidLostAt) = (dropped, now);
    }
}
