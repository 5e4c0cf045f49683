using Serilog.Core;
using Serilog.Events;
using Serilog.Parsing;

namespace Bal.Infrastructure.Logging;

/// <summary>
/// Hands log lines to one background thread and never makes the caller wait for the target: what does not fit into the
/// queue, or cannot be written, is dropped and counted, and one line <c>log_lines_dropped</c> says so once the target
/// works again. The thread sleeps while there is nothing to do.
/// </summary>
internal sealed class BoundedSink : ILogEventSink, IDisposable
{
    /// <summary>Lines that wait at most.</summary>
    internal const int Capacity = 4096;

    private const int FirstRetryMs = 1_000;
    private const int LastRetryMs = 30_000;

    private readonly object _gate = new();
    private readonly Queue<LogEvent> _queue = new();
    private readonly LogTarget _target;
    private readonly LineWriter _lines;
    private int _replacement = -1;
    private bool _writing;
    private bool _closed;
    private long _dropped;
    private long _reported;

    internal BoundedSink(LogTarget target, LineWriter lines)
    {
        (_target, _lines) = (target, lines);
        new Thread(WriteLoop) { IsBackground = true, Name = "bal-log" }.Start();
    }

    /// <summary>Lines dropped since the start.</summary>
    internal long Dropped
    {
        get { lock (_gate) return _dropped; }
    }

    /// <inheritdoc/>
    public void Emit(LogEvent logEvent)
    {
        lock (_gate)
        {
            if (_closed || _queue.Count >= Capacity)
            {
                _dropped++;
                return;
            }
            _queue.Enqueue(logEvent);
            if (!_writing) Monitor.PulseAll(_gate);
        }
    }

    /// <summary>
    /// Goes on with another descriptor, which the sink closes in the end, before the next line is written.
    /// </summary>
    internal void Replace(int descriptor)
    {
        lock (_gate)
        {
            if (_replacement >= 0) LogTarget.Close(_replacement);
            _replacement = descriptor;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits until every line has been written or dropped; false if that takes longer.</summary>
    internal bool Flush(TimeSpan timeout)
    {
        var deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        lock (_gate)
        {
            while (_writing || _queue.Count > 0 || _replacement >= 0)
            {
                var left = deadline - Environment.TickCount64;
                if (left <= 0 || !Monitor.Wait(_gate, (int)Math.Min(left, int.MaxValue))) return false;
            }
            return true;
        }
    }

    /// <summary>Takes no more lines and lets the thread end, without waiting for it.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }

    private void WriteLoop()
    {
        var retryMs = FirstRetryMs;
        while (Next(retryMs, out var line, out var unsaid, out var replacement))
        {
            if (replacement >= 0) _target.Reopen(replacement);
            // A replaced target may work where the old one did not: what is owed is said first.
            if (replacement >= 0 || line is null) Say(unsaid);
            if (line is not null) WriteLine(line);
            lock (_gate) unsaid = _dropped - _reported;
            if (line is not null && _target.Works) Say(unsaid);
            retryMs = _target.Works ? FirstRetryMs : Math.Min(retryMs * 2, LastRetryMs);
        }
        _target.Dispose();
        lock (_gate)
        {
            _writing = false;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits for work: a line, another descriptor, or time to try again to say what was dropped.</summary>
    private bool Next(int retryMs, out LogEvent? line, out long unsaid, out int replacement)
    {
        lock (_gate)
        {
            _writing = false;
            Monitor.PulseAll(_gate);
            var due = false;
            while (_queue.Count == 0 && _replacement < 0 && !_closed && !due)
            {
                // No timer while all is well, nor for a pipe whose reader is gone for good.
                var owes = _dropped > _reported && !_target.IsGone;
                due = !Monitor.Wait(_gate, owes ? retryMs : Timeout.Infinite);
            }
            _writing = true;
            (replacement, _replacement) = (_replacement, -1);
            line = _queue.TryDequeue(out var next) ? next : null;
            unsaid = _dropped - _reported;
            return line is not null || replacement >= 0 || !_closed;
        }
    }

    private void WriteLine(LogEvent line)
    {
        if (TryWrite(line)) return;
        lock (_gate) _dropped++;
    }

    private void Say(long count)
    {
        if (count <= 0 || !TryWrite(DropReport(count))) return;
        lock (_gate) _reported += count;
    }

    private bool TryWrite(LogEvent line)
    {
        try
        {
            return _target.Write(_lines.Encode(line));
        }
        catch (Exception)
        {
            return false;
        }
    }

    private static LogEvent DropReport(long count)
    {
        var text = new MessageTemplate([new TextToken("log lines were dropped because the log could not be written")]);
        return new LogEvent(DateTimeOffset.UtcNow, LogEventLevel.Warning, null, text,
        [
            new("SourceContext", new ScalarValue("log")),
            new("EventId", new StructureValue([new("Name", new ScalarValue("log_lines_dropped"))])),
            new("dropped", new ScalarValue(count)),
        ]);
    }
}
