using System.Globalization;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Recording;
using LanguageExt;

namespace Bal.Infrastructure.Recording;

/// <summary>
/// Turns steps into lines of the file that their configuration names. A file that cannot be opened or written is tried
/// again, ever more seldom; until then steps are left out, and said to be. Used by one thread.
/// </summary>
internal sealed class DecisionWriter : IDisposable
{
    /// <summary>Steps written together.</summary>
    internal const int MostAtOnce = 256;

    /// <summary>The size at which a file is put aside and the next one begun.</summary>
    internal const long FileLimit = 16L << 20;

    private const string Module = "decision_log";
    private const int FirstRetryMs = 1_000;
    private const int LastRetryMs = 30_000;

    private readonly string _version;
    private readonly Action<LogEvent> _say;
    private readonly Func<string, bool> _isOwn;
    private readonly long _limit;
    private readonly MemoryStream _pending = new();
    private DecisionFile? _file;
    private DecisionChain _chain;
    // The checksum of the last line that is in a file; none before the first.
    private Option<DecisionChain> _written;
    private StateDigest? _digest;
    private long _checkpointSize;
    // The last step that has a line, and the last one whose line is in the file.
    private long _last;
    private long _safe;
    // The last step before an outage; none while all is well.
    private long? _lostAfter;
    private int _retryMs = FirstRetryMs;
    private long _retryAt;

    /// <param name="version">bal's version.</param>
    /// <param name="say">Told what an operator should know.</param>
    /// <param name="isOwn">Whether a path names another file that bal writes.</param>
    /// <param name="limit">See <see cref="FileLimit"/>.</param>
    internal DecisionWriter(
        string version, Action<LogEvent> say, Func<string, bool> isOwn, long limit = FileLimit) =>
        (_version, _say, _isOwn, _limit) = (version, say, isOwn, limit);

    /// <summary>Writes steps, in order; never throws.</summary>
    internal void Write(IReadOnlyList<RecordedStep> steps, bool reopen)
    {
        try
        {
            if (reopen) Close();
            foreach (var step in steps)
                Write(step);
            Send();
        }
        catch (Exception fault)
        {
            _pending.SetLength(0);
            Close();
            Fail(new Problem(
                "internal_error",
                $"decisions could not be recorded: {fault.Message}",
                "this is a bug in bal, which keeps serving",
                "report it with the decision log and the lines around this one"), _safe);
        }
    }

    public void Dispose() => Close();

    private void Write(RecordedStep step)
    {
        var follows = _file is not null && step.Sequence == _last + 1;
        foreach (var happened in step.Happened.Filter(_ => follows))
            Append(step, happened);

        // What could not be recorded is counted before the process that goes on with the file begins anew.
        if (IsLast(step) && step.Sequence != _last && step.Path.IsSome)
            Finish(step);
        var path = step.Path.Filter(_ => !IsLast(step)).IfNone("");
        if (_file is not null && _file.Path != path)
            Close();
        if (path.Length == 0)
            (_lostAfter, _retryMs) = (null, FirstRetryMs);
        else if (_file is null)
            Open(path, step, CheckpointReason.Start);
        else if (step.Sequence != _last)
            Skip(step);
        else if (_file.Size + _pending.Length >= Math.Max(_limit, 4 * _checkpointSize))
            Rotate(step);
    }

    // Another process goes on with the file from here.
    private static bool IsLast(RecordedStep step) => step.Happened.Exists(e => e is ControlEvent.HandedOver);

    private void Append(RecordedStep step, ControlEvent happened)
    {
        _digest = _digest!.Next(step.Step);
        Add(new DecisionLine.Step(step.Sequence, step.At, happened, _digest.With(step.Step.Effects))
        {
            Effects = EffectDigest.Of(step.Step.Effects),
        });
        _last = step.Sequence;
    }

    private void Skip(RecordedStep step)
    {
        var unrecorded = step.Sequence - _last;
        Checkpoint(CheckpointReason.Gap, step, unrecorded);
        SayGap(unrecorded);
    }

    private void Finish(RecordedStep step)
    {
        if (_file is not null)
            Skip(step);
        else if (_lostAfter is not null)
            step.Path.IfSome(path => Open(path, step, CheckpointReason.Start, patient: false));
    }

    private void Rotate(RecordedStep step)
    {
        var path = _file!.Path;
        Close();
        if (_lostAfter is null) Open(path, step, CheckpointReason.Rotated);
    }

    private void Open(string path, RecordedStep step, CheckpointReason reason, bool patient = true)
    {
        if (patient && _lostAfter is not null && Environment.TickCount64 < _retryAt) return;
        OpenBelowLimit(path).Match(Right: file => _file = file, Left: problem => Fail(problem, step.Sequence));
        if (_file is null) return;
        if (_file.LastChain.IsSome) _written = _file.LastChain;
        var unrecorded = step.Sequence - (_lostAfter ?? step.Sequence);
        Checkpoint(reason, step, unrecorded);
        Send();
        if (_file is null) return;
        if (_lostAfter is not null)
            SayGap(unrecorded);
        else if (reason == CheckpointReason.Start)
            _say(LogEvent.Info(Module, "decision_log_started", $"decisions are recorded in {path}",
                LogField.Of("path", path)));
        (_lostAfter, _retryMs) = (null, FirstRetryMs);
    }

    private Either<Problem, DecisionFile> OpenBelowLimit(string path) => _isOwn(path)
        ? DecisionFileProblems.Own(path)
        : DecisionFile.Open(path).Bind(file =>
    {
        if (file.Size < Math.Max(_limit, 4 * _checkpointSize))
            return Either<Problem, DecisionFile>.Right(file);
        var errno = file.PutAside();
        file.Dispose();
        return errno == 0 ? DecisionFile.Open(path) : DecisionFileProblems.NotWritten(path, errno);
    });

    private void Checkpoint(CheckpointReason reason, RecordedStep step, long unrecorded)
    {
        var state = step.Step.State;
        var before = _pending.Length;
        Add(new DecisionLine.Checkpoint(
            _version, reason, step.Sequence, step.At,
            step.Wall.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture),
            unrecorded, state)
        {
            After = before > 0 ? _chain : _written,
        });
        (_digest, _last, _checkpointSize) = (StateDigest.Of(state), step.Sequence, _pending.Length - before);
    }

    private void Add(DecisionLine line)
    {
        var written = _chain.Append(line);
        _chain = written.Chain;
        _pending.Write(written.Bytes);
    }

    private void Send()
    {
        if (_file is null || _pending.Length == 0) return;
        var errno = _file.Append(_pending.GetBuffer().AsSpan(0, (int)_pending.Length));
        _pending.SetLength(0);
        if (errno == 0)
        {
            (_safe, _written) = (_last, _chain);
            return;
        }

        // The chain went on over what was lost: the file is opened again, and begins another one.
        var path = _file.Path;
        Close();
        Fail(DecisionFileProblems.NotWritten(path, errno), _safe);
    }

    private void Close()
    {
        Send();
        _file?.Dispose();
        _file = null;
    }

    private void SayGap(long unrecorded) => _say(LogEvent.Warn(Module, "decision_log_gap",
        $"{Decisions(unrecorded)} not recorded; the decision log continues from a new checkpoint",
        LogField.Of("unrecorded", unrecorded)));

    private static string Decisions(long count) => count == 1 ? "1 decision was" : $"{count} decisions were";

    private void Fail(Problem problem, long after)
    {
        // Logged once per outage; what was lost is logged when it ends.
        if (_lostAfter is null) _say(LogEvent.Failure(Module, problem.Code, problem));
        _lostAfter ??= after;
        _retryAt = Environment.TickCount64 + _retryMs;
        _retryMs = Math.Min(2 * _retryMs, LastRetryMs);
    }
}
