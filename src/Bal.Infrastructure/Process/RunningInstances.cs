using System.Diagnostics;
using System.Globalization;
using System.Text;
using LanguageExt;

namespace Bal.Infrastructure.Process;

/// <summary>A bal that serves from some BAL_HOME.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Home">Its BAL_HOME; none where this user may not see it.</param>
public sealed record RunningInstance(int Pid, Option<string> Home);

/// <summary>
/// The instances that can be seen in /proc, for somebody who has looked in the wrong BAL_HOME. It is a help, not an
/// inventory: bounded in number and time, and what cannot be read is left out.
/// </summary>
public static class RunningInstances
{
    /// <summary>At most so many are named.</summary>
    private const int Most = 5;

    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(300);

    /// <summary>Those that run, in the order of their process ids as /proc lists them.</summary>
    /// <param name="except">The BAL_HOME that has been looked in already.</param>
    public static Arr<RunningInstance> Visible(string except)
    {
        var clock = Stopwatch.StartNew();
        var found = new List<RunningInstance>();
        try
        {
            foreach (var directory in Directory.EnumerateDirectories("/proc"))
            {
                if (found.Count >= Most || clock.Elapsed > Longest)
                    break;
                if (int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var pid)
                    && pid != Environment.ProcessId && Text(directory, "comm") == "bal\n")
                    Instance(pid, directory, except).IfSome(found.Add);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No /proc, or one that changes too quickly: what was found is enough.
        }

        return new Arr<RunningInstance>(found);
    }

    // Every command is called bal as well: only who holds the lock of its home serves, and of another user's process
    // the command line is all that shows.
    private static Option<RunningInstance> Instance(int pid, string directory, string except)
    {
        var environment = Text(directory, "environ").Split('\0');
        if (environment is [""])
            return Text(directory, "cmdline").Split('\0') is [_, "start", ..]
                ? new RunningInstance(pid, Option<string>.None)
                : Option<RunningInstance>.None;
        return BalHome.Locate(name => Value(environment, name), CurrentDirectory(directory)).Match(
            Right: home => home.Root != except
                && PidFile.Inspect(home.PidFile) is PidFileState.Held held && held.Pid == pid
                    ? new RunningInstance(pid, home.Root)
                    : Option<RunningInstance>.None,
            Left: _ => Option<RunningInstance>.None);
    }

    private static string? Value(string[] environment, string name) =>
        Array.Find(environment, entry => entry.StartsWith($"{name}=", StringComparison.Ordinal))?[(name.Length + 1)..];

    private static string CurrentDirectory(string directory) =>
        Directory.ResolveLinkTarget(Path.Combine(directory, "cwd"), returnFinalTarget: false)?.FullName ?? "/";

    private static string Text(string directory, string name)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes(Path.Combine(directory, name)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
