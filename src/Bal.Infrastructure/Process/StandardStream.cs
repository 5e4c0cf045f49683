using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.Process;

/// <summary>
/// Standard output or standard error by write(2) alone. The console of the runtime opens descriptors, starts a thread
/// and sets up the terminal before it writes a byte, which fails where a limit leaves no room: just when something has
/// to be said.
/// </summary>
public static class StandardStream
{
    private const int Error = 2;
    private const int Output = 1;

    /// <summary>Whether it is a terminal (isatty(3)).</summary>
    public static bool IsTerminal(bool error) => Libc.isatty(Number(error)) == 1;

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
