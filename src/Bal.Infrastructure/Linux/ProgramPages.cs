using System.Globalization;
using System.Runtime.InteropServices;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// The pages of the program's own file. A start reads most of them once: the type tables that the native runtime
/// unpacks, the code that reads the configuration. Serving needs a small part.
/// </summary>
internal static unsafe partial class ProgramPages
{
    private const int MadvDontneed = 4;

    /// <summary>
    /// Takes the program's clean pages out of this process's resident set (madvise(2), MADV_DONTNEED). The kernel keeps
    /// them in its page cache and maps those back that are used again. Best effort: without /proc nothing happens.
    /// </summary>
    public static void GiveBack()
    {
        try
        {
            if (File.ResolveLinkTarget("/proc/self/exe", returnFinalTarget: false) is not { } program)
                return;
            foreach (var (start, length) in Clean(File.ReadLines("/proc/self/smaps"), program.FullName))
                _ = madvise((void*)start, length, MadvDontneed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A saving is not worth an error.
        }
    }

    /// <summary>
    /// The mappings of that file, as proc_pid_smaps(5) lists them, that cannot be written and hold no page of this
    /// process alone: a page that the dynamic linker has written to would come back without what was written.
    /// </summary>
    public static List<(nuint Start, nuint Length)> Clean(IEnumerable<string> smaps, string program)
    {
        var clean = new List<(nuint, nuint)>();
        (nuint, nuint)? candidate = null;
        foreach (var line in smaps)
        {
            if (line.StartsWith("Anonymous:", StringComparison.Ordinal))
            {
                if (candidate is { } found && line.EndsWith(" 0 kB", StringComparison.Ordinal))
                    clean.Add(found);
                candidate = null;
            }
            else if (line.Length > 0 && char.IsAsciiHexDigitLower(line[0]))
                candidate = Mapping(line, program);
        }

        return clean;
    }

    // "55baf28f0000-55baf2dc7000 r-xp 0002b000 08:01 1234    /usr/bin/bal"
    private static (nuint, nuint)? Mapping(string line, string program)
    {
        var dash = line.IndexOf('-', StringComparison.Ordinal);
        var space = line.IndexOf(' ', StringComparison.Ordinal);
        if (dash < 0 || space < dash || line.Length < space + 5 || line[space + 2] != '-'
            || !line.EndsWith(" " + program, StringComparison.Ordinal)
            || !nuint.TryParse(
                line.AsSpan(0, dash), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var start)
            || !nuint.TryParse(line.AsSpan(dash + 1, space - dash - 1), NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture, out var end)
            || end <= start)
            return null;
        return (start, end - start);
    }

    [LibraryImport("libc")]
    private static partial int madvise(void* address, nuint length, int advice);
}
