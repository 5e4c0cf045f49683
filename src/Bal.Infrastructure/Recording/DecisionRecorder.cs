using Bal.Application;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Recording;

/// <summary>
/// Hands every decision to one background thread, which writes it down if the configuration in force says where. The
/// supervisor never waits: what does not fit into the queue is left out, and the file then says so and goes on from a
/// whole state, so that what is written always replays.
/// </summary>
internal sealed class DecisionRecorder : IDecisionRecorder, IDisposable
{
    /// <summary>Steps that wait at most.</summary>
    internal const int Capacity = 4_096;

    /// <summary>How long the end of the process waits for the last steps.</summary>
    internal static readonly TimeSpan ExitPatience = TimeSpan.FromSeconds(1);

    private readonly object _gate = new();
    private readonly Queue<RecordedStep> _queue = new();
    private readonly DecisionWriter _writer;
    private readonly Func<DateTimeOffset> _wallClock;
    private bool _started;
    private long _sequence;
    private bool _wanted;
    private bool _over;
    private bool _writing;
    private bool _closed;
    private bool _reopen;

    /// <param name="writer">Writes the steps.</param>
    /// <param name="wallClock">For people only: a checkpoint says when it was.</param>
    internal DecisionRecorder(DecisionWriter writer, Func<DateTimeOffset> wallClock) =>
        (_writer, _wallClock) = (writer, wallClock);

    public void Began(Instant now, ControlState state) =>
        Take(now, Option<ControlEvent>.None, new ControlStep(state, Arr<ControlEffect>.Empty));

    public void Decided(ControlEvent happened, Instant now, ControlStep step)
    {
        _sequence++;
        Take(now, happened, step);
        // Another process goes on with the file from here.
        _over |= happened is ControlEvent.HandedOver;
    }

    /// <summary>Opens the file anew before the next step, after it was renamed.</summary>
    internal void Reopen()
    {
        lock (_gate) _reopen = true;
    }

    /// <summary>Waits until every step has been written or given up; false if that takes longer.</summary>
    internal bool Flush(TimeSpan timeout)
    {
        var deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        lock (_gate)
        {
            while (_writing || _queue.Count > 0)
            {
                var left = deadline - Environment.TickCount64;
                if (left <= 0 || !Monitor.Wait(_gate, (int)left)) return false;
            }

            return true;
        }
    }

    /// <summary>Flushes within <see cref="ExitPatience"/>, then takes no more steps.</summary>
    public void Dispose()
    {
        _ = Flush(ExitPatience);
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }

    private void Take(Instant now, Option<ControlEvent> happened, ControlStep decided)
    {
        // The step that turns recording off is still recorded: it is the last thing that the file has to say.
        var wanted = decided.State.Config.DecisionLog.IsSome;
        if (_over || (!wanted && !_wanted)) return;
        _wanted = wanted;
        var step = new RecordedStep(_sequence, now, _wallClock(), happened, decided);
        lock (_gate)
        {
            // A number that is missing tells the writer that steps are.
            if (_closed || _queue.Count >= Capacity) return;
            _queue.Enqueue(step);
            if (!_writing) Monitor.PulseAll(_gate);
        }

        // If no thread can be started now, a later step tries again; what does not fit until then is left out.
        if (!_started) _started = Worker.TryStart("bal-record", WriteLoop);
    }

    private void WriteLoop()
    {
        var batch = new List<RecordedStep>();
        while (Next(batch, out var reopen))
            _writer.Write(batch, reopen);
        _writer.Dispose();
    }

    private bool Next(List<RecordedStep> batch, out bool reopen)
    {
        lock (_gate)
        {
            batch.Clear();
            _writing = false;
            Monitor.PulseAll(_gate);
            while (_queue.Count == 0 && !_closed)
                Monitor.Wait(_gate);
            _writing = true;
            while (batch.Count < DecisionWriter.MostAtOnce && _queue.TryDequeue(out var step))
                batch.Add(step);
            (reopen, _reopen) = (_reopen, false);
            return batch.Count > 0;
        }
    }
}

/// <summary>A step on its way into the file.</summary>
/// <param name="Sequence">Its number, counted in this process.</param>
/// <param name="At">When.</param>
/// <param name="Wall">The time of day then.</param>
/// <param name="Happened">What; none for a state that was not reached by a step.</param>
/// <param name="Step">What came of it.</param>
internal sealed record RecordedStep(
    long Sequence, Instant At, DateTimeOffset Wall, Option<ControlEvent> Happened, ControlStep Step)
{
    /// <summary>Where the configuration after this step wants decisions recorded.</summary>
    internal Option<string> Path => Step.State.Config.DecisionLog;
}
