using System.Runtime.InteropServices;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// The terminal at standard input and output while a program draws on it: keys come at once and unseen, and everything
/// is as before in the end (termios(3)).
/// </summary>
public sealed unsafe partial class Terminal : IDisposable
{
    private const int Input = 0;
    private const int Output = 1;
    private const int Now = 0;
    private const uint Interrupts = 0x1;
    private const uint Lines = 0x2;
    private const uint Echo = 0x8;
    private const int WindowSize = 0x5413;

    private readonly Termios before;

    [StructLayout(LayoutKind.Sequential, Size = 128)]
    private struct Termios
    {
        internal uint InputFlags;
        internal uint OutputFlags;
        internal uint ControlFlags;
        internal uint LocalFlags;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Window
    {
        internal ushort Rows;
        internal ushort Columns;
        internal ushort Width;
        internal ushort Height;
    }

    private Terminal(Termios before) => this.before = before;

    /// <summary>The columns and rows that there are now.</summary>
    public static (int Columns, int Rows) Size
    {
        get
        {
            Window window;
            return ioctl(Output, WindowSize, &window) == 0 && window is { Columns: > 0, Rows: > 0 }
                ? (window.Columns, window.Rows) : (80, 24);
        }
    }

    /// <summary>Takes it over; null where there is none.</summary>
    public static Terminal? Take()
    {
        Termios now;
        if (Libc.isatty(Output) != 1 || tcgetattr(Input, &now) != 0)
            return null;
        var before = now;
        now.LocalFlags &= ~(Interrupts | Lines | Echo);
        return tcsetattr(Input, Now, &now) == 0 ? new Terminal(before) : null;
    }

    /// <summary>
    /// The keys that are pressed within a time, as soon as there is one; null where the terminal is gone.
    /// </summary>
    /// <param name="within">The longest to wait.</param>
    public static string? Keys(TimeSpan within)
    {
        if (!Libc.WaitFor(Input, Libc.POLLIN, (long)within.TotalMilliseconds))
            return "";
        Span<byte> bytes = stackalloc byte[64];
        var read = Descriptors.Read(Input, bytes);
        return read > 0 ? System.Text.Encoding.UTF8.GetString(bytes[..read]) : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        var restored = before;
        _ = tcsetattr(Input, Now, &restored);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int tcgetattr(int fd, Termios* termios);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int tcsetattr(int fd, int when, Termios* termios);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int fd, nuint request, Window* window);
}
