using Bal.Application;
using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using LanguageExt;
using Microsoft.Win32.SafeHandles;

namespace Bal.Infrastructure.Recording;

/// <summary>Reads a decision log line by line, in memory that its longest line decides and not its size.</summary>
public sealed class DecisionLogReader : IDisposable
{
    /// <summary>The longest line: far beyond the checkpoint of the largest configuration.</summary>
    public const int MostBytesOfALine = 64 << 20;

    private const int FirstBuffer = 256 * 1024;
    private readonly SafeFileHandle _handle;
    private readonly int _mostOfALine;

    private DecisionLogReader(SafeFileHandle handle, int mostOfALine) =>
        (_handle, _mostOfALine) = (handle, mostOfALine);

    /// <summary>Opens a regular file.</summary>
    public static Either<Problem, DecisionLogReader> Open(string path) => Open(path, MostBytesOfALine);

    /// <summary>As above, with another limit.</summary>
    internal static Either<Problem, DecisionLogReader> Open(string path, int mostOfALine) => RegularFile.Open(path)
        .Map(handle => new DecisionLogReader(handle, mostOfALine))
        .MapLeft(fault => new Problem(
            "decision_log_unreadable",
            fault.Reason switch
            {
                FileFaultReason.Missing => $"{path} does not exist",
                FileFaultReason.Directory => $"{path} is a directory",
                FileFaultReason.NotRegular => $"{path} is {fault.Detail}, not a regular file",
                _ => $"{path} could not be read: {fault.Detail}",
            },
            fault.Reason == FileFaultReason.Denied
                ? "it belongs to the user that bal runs as"
                : "the path is mistyped, or decision_log was never set",
            "name the file that decision_log in the configuration names, or the one beside it that ends in .1"));

    /// <summary>Every line.</summary>
    public IEnumerable<DecisionLogLine> Lines()
    {
        var buffer = new byte[Math.Min(FirstBuffer, _mostOfALine)];
        var (start, length, offset) = (0, 0, 0L);
        while (true)
        {
            var (read, failure) = Read(buffer.AsSpan(length), offset);
            if (failure is not null)
            {
                yield return new(ReadOnlyMemory<byte>.Empty, LineEnd.Unreadable) { Reason = failure };
                yield break;
            }

            offset += read;
            var searched = length;
            length += read;
            while (buffer.AsSpan(searched, length - searched).IndexOf((byte)'\n') is >= 0 and var at)
            {
                yield return new(buffer.AsMemory(start, searched + at - start), LineEnd.Newline);
                searched = start = searched + at + 1;
            }

            if (read == 0)
            {
                if (length > start)
                    yield return new(buffer.AsMemory(start, length - start), LineEnd.EndOfFile);
                yield break;
            }

            if (length - start >= _mostOfALine)
            {
                yield return new(ReadOnlyMemory<byte>.Empty, LineEnd.TooLong);
                yield break;
            }

            (buffer, start, length) = MakeRoom(buffer, start, length);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private (int Read, string? Failure) Read(Span<byte> into, long offset)
    {
        try
        {
            return (RandomAccess.Read(_handle, into, offset), null);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return (0, fault.Message);
        }
    }

    private (byte[] Buffer, int Start, int Length) MakeRoom(byte[] buffer, int start, int length)
    {
        var rest = length - start;
        var into = rest > buffer.Length / 2 ? new byte[Math.Min(2L * buffer.Length, _mostOfALine)] : buffer;
        Buffer.BlockCopy(buffer, start, into, 0, rest);
        return (into, 0, rest);
    }
}
