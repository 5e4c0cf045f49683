using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using LanguageExt;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Extensions.Logging;
using LogEvent = Bal.Domain.Messages.LogEvent;
using LogFormat = Bal.Domain.Messages.LogFormat;
using LogLevel = Bal.Domain.Messages.LogLevel;
using MelLevel = Microsoft.Extensions.Logging.LogLevel;

namespace Bal.Infrastructure.Logging;

/// <summary>
/// The way of every log line: Microsoft.Extensions.Logging, Serilog, NDJSON, a bounded queue, one descriptor. Nothing
/// here makes a caller wait for the target, except <see cref="Flush"/>, and that one with a bound. Thread-safe.
/// </summary>
public sealed class LogPipeline : IDisposable
{
    /// <summary>How long the end of the process waits for the last lines.</summary>
    public static readonly TimeSpan ExitPatience = TimeSpan.FromSeconds(1);

    private static readonly bool HasRandomness = File.Exists("/dev/urandom");

    private readonly string? _path;
    private readonly BoundedSink _sink;
    private readonly LineWriter _lines;
    private readonly LoggingLevelSwitch _level;
    private readonly LoggerFactory _loggers;

    private LogPipeline(LogTarget target, LineWriter lines, string? path, LogLevel level)
    {
        (_path, _lines) = (path, lines);
        _sink = new BoundedSink(target, lines);
        _level = new LoggingLevelSwitch(ToSerilog(level));
        var root = new LoggerConfiguration().MinimumLevel.ControlledBy(_level).WriteTo.Sink(_sink).CreateLogger();
        _loggers = new LoggerFactory(
            [new SerilogLoggerProvider(root, dispose: false)],
            new LoggerFilterOptions { MinLevel = MelLevel.Trace });
    }

    /// <summary>Loggers for everything that speaks Microsoft.Extensions.Logging; the category is the module.</summary>
    public ILoggerFactory Loggers => _loggers;

    /// <summary>Lines lost since the start because the target was slow, full or broken.</summary>
    public long Dropped => _sink.Dropped;

    /// <summary>The least severe level that is written; may be changed at any time.</summary>
    public LogLevel Level
    {
        get => _level.MinimumLevel switch
        {
            <= LogEventLevel.Debug => LogLevel.Debug,
            LogEventLevel.Information => LogLevel.Info,
            LogEventLevel.Warning => LogLevel.Warn,
            _ => LogLevel.Error,
        };
        set => _level.MinimumLevel = ToSerilog(value);
    }

    /// <summary>The form that the command line has chosen, which no configuration changes.</summary>
    public Option<LogFormat> Chosen { get; private set; } = Option<LogFormat>.None;

    /// <summary>The command line has chosen a form.</summary>
    public LogPipeline Choose(Option<LogFormat> format)
    {
        Chosen = format;
        Use(LogFormat.Auto);
        return this;
    }

    /// <summary>From now on lines have this form, unless the command line has chosen one.</summary>
    public void Use(LogFormat format) => _lines.Use(Chosen.IfNone(format));

    /// <summary>Logs to standard error.</summary>
    public static LogPipeline ToStderr(LogLevel level) => ToDescriptor(2, level);

    /// <summary>Logs to an open descriptor, which stays open.</summary>
    public static LogPipeline ToDescriptor(int descriptor, LogLevel level) =>
        new(new LogTarget(descriptor, owned: false), LineWriter.For(descriptor), null, level);

    /// <summary>Logs to the end of a file, created 0600; a symlink is refused.</summary>
    public static Either<Problem, LogPipeline> ToFile(string path, LogLevel level) =>
        LogTarget.Open(path).Map(fd => new LogPipeline(
            new LogTarget(fd, owned: true, path), LineWriter.For(fd), path, level));

    /// <summary>Writes a line if its level is enabled; never waits, never throws.</summary>
    public void Write(LogEvent line)
    {
        if (ToSerilog(line.Level) < _level.MinimumLevel) return;
        // Its logger asks for the current activity (System.Diagnostics), which does not exist without randomness.
        if (!HasRandomness)
        {
            Facilities.Refused(Facility.Random, Errno.ENOENT);
            _sink.Emit(LogEventState.ToSerilog(line, ToSerilog(line.Level)));
            return;
        }

        _loggers.CreateLogger(line.Module).Log(
            ToMel(line.Level), new EventId(0, line.Event), new LogEventState(line), null,
            static (state, _) => state.ToString());
    }

    /// <summary>Opens the file anew after it was renamed (USR1); on a problem the old one stays in use.</summary>
    public Either<Problem, Unit> Reopen()
    {
        if (_path is null) return Unit.Default;
        return LogTarget.Open(_path).Map(fd =>
        {
            _sink.Replace(fd);
            return Unit.Default;
        });
    }

    /// <summary>Waits until what was logged so far is written or dropped; false if the time does not suffice.</summary>
    public bool Flush(TimeSpan timeout) => _sink.Flush(timeout);

    /// <summary>Flushes within <see cref="ExitPatience"/>, then takes no more lines.</summary>
    public void Dispose()
    {
        _ = Flush(ExitPatience);
        _loggers.Dispose();
        _sink.Dispose();
    }

    private static LogEventLevel ToSerilog(LogLevel level) => level switch
    {
        LogLevel.Debug => LogEventLevel.Debug,
        LogLevel.Info => LogEventLevel.Information,
        LogLevel.Warn => LogEventLevel.Warning,
        _ => LogEventLevel.Error,
    };

    private static MelLevel ToMel(LogLevel level) => level switch
    {
        LogLevel.Debug => MelLevel.Debug,
        LogLevel.Info => MelLevel.Information,
        LogLevel.Warn => MelLevel.Warning,
        _ => MelLevel.Error,
    };
}
