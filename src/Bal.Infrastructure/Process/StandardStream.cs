using System.Text;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.Process;

/// <summary>
/// Standard output or standard error by write(2) alone. The console of the runtime opens descriptors, starts a thread
/// and sets up the terminal before it writes a byte, which fails where a limit leaves no room: just when something has
/// to be said.
/// </summary>
public static class StandardStream
{
    private const int MostOfLine = 4_096;
    private const int Input = 0;
    private const int Error = 2;
    private const int Output = 1;

    /// <summary>Whether it is a terminal (isatty(3)).</summary>
    public static bool IsTerminal(bool error) => Libc.isatty(Number(error)) == 1;

    /// <summary>Whether the reader of standard output has gone away.</summary>
    public static bool IsGone { get; private set; }

    /// <summary>Whether a person can be asked: standard input and standard error are a terminal.</summary>
    public static bool Asks => Libc.isatty(Input) == 1 && IsTerminal(error: true);

    /// <summary>A line of standard input without its end; null where it has ended.</summary>
    public static string? ReadLine()
    {
        var line = new List<byte>();
        Span<byte> one = stackalloc byte[1];
        while (Descriptors.Read(Input, one) is not 0 and var read)
        {
            if (read < 0 && Errno.Last == Errno.EINTR)
                continue;
            if (read < 0)
                break;
            if (one[0] == '\n' || line.Count == MostOfLine)
                return Encoding.UTF8.GetString([.. line]);
            line.Add(one[0]);
        }

        return line.Count > 0 ? Encoding.UTF8.GetString([.. line]) : null;
    }

    /// <summary>
    /// Writes everything, waiting for a reader that is slow. One that has gone away (EPIPE) is no error: what it does
    /// not want is lost.
    /// </summary>
    /// <exception cref="IOException">The disk is full, or the device reports an error.</exception>
    public static void Write(bool error, ReadOnlySpan<byte> bytes)
    {
        var fd = Number(error);
        while (!bytes.IsEmpty)
        {
            var written = Descriptors.Write(fd, bytes);
            if (written >= 0)
            {
                bytes = bytes[written..];
                continue;
            }

            switch (Errno.Last)
            {
                case Errno.EPIPE:
                    IsGone |= !error;
                    return;
                case Errno.EINTR:
                    break;
                case Errno.EAGAIN:
                    _ = Libc.WaitFor(fd, Libc.POLLOUT, -1);
                    break;
                case var errno:
                    throw new IOException(Errno.Text(errno));
            }
        }
    }

    private static int Number(bool error) => error ? Error : Output;
}
