using System.Globalization;
using System.Text;
using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using LogEvent = Serilog.Events.LogEvent;
using LogEventLevel = Serilog.Events.LogEventLevel;

namespace Bal.Infrastructure.Logging;

/// <summary>
/// The form of the lines that go to one place. For the journal each of them says its level as sd-daemon(3) wants it.
/// </summary>
/// <param name="isTerminal">Whether people read along.</param>
/// <param name="isJournal">Whether it is the journal.</param>
internal sealed class LineWriter(bool isTerminal, bool isJournal)
{
    private readonly bool _isTerminal = isTerminal;
    private volatile bool _isText = isTerminal;

    /// <summary>For a descriptor as it is now.</summary>
    public static LineWriter For(int descriptor) =>
        new(Libc.isatty(descriptor) == 1, IsJournal(descriptor, Environment.GetEnvironmentVariable("JOURNAL_STREAM")));

    /// <summary>From now on lines are written so.</summary>
    public void Use(LogFormat format) =>
        _isText = format == LogFormat.Text || (format == LogFormat.Auto && _isTerminal);

    /// <summary>The line, or lines, in UTF-8, with a newline at the end.</summary>
    public byte[] Encode(LogEvent line)
    {
        var prefix = isJournal ? Priority(line.Level) : "";
        if (_isText)
            return Encoding.UTF8.GetBytes(NdjsonFormatter.ToText(line).ToLines(prefix));
        var json = NdjsonFormatter.Encode(line);
        return isJournal ? [.. Encoding.ASCII.GetBytes(prefix), .. json] : json;
    }

    /// <summary>Whether JOURNAL_STREAM, <c>device:inode</c>, is this descriptor (systemd.exec(5)).</summary>
    internal static bool IsJournal(int descriptor, string? stream) =>
        stream?.Split(':') is [var device, var inode]
        && ulong.TryParse(device, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && ulong.TryParse(inode, NumberStyles.None, CultureInfo.InvariantCulture, out var node)
        && FileFacts.Of(descriptor) is { } facts
        && facts.Inode == node && facts.DeviceNumber == number;

    private static string Priority(LogEventLevel level) => level switch
    {
        LogEventLevel.Verbose or LogEventLevel.Debug => "<7>",
        LogEventLevel.Information => "<6>",
        LogEventLevel.Warning => "<4>",
        _ => "<3>",
    };
}
