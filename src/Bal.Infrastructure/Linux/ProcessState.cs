using System.Globalization;
using System.Text;

namespace Bal.Infrastructure.Linux;

/// <summary>The state of a process as the kernel names it (proc(5), /proc/PID/stat).</summary>
internal static class ProcessState
{
    /// <summary>Its letter, such as <c>R</c>, <c>S</c>, <c>T</c> or <c>Z</c>; <c>?</c> where it is unknown.</summary>
    public static char Of(int pid)
    {
        try
        {
            var stat = Encoding.UTF8.GetString(
                File.ReadAllBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat")));
            // The name of the command stands in parentheses before it, and may hold anything.
            var end = stat.LastIndexOf(") ", StringComparison.Ordinal);
            return end >= 0 && end + 2 < stat.Length ? stat[end + 2] : '?';
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return '?';
        }
    }
}
