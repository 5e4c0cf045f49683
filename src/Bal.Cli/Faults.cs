using Bal.Domain.Messages;

namespace Bal.Cli;

/// <summary>
/// How a command ends after an unexpected error: three lines, never a bare stack trace.
/// </summary>
internal static class Faults
{
    internal static int Report(Exception fault, CompositionRoot root)
    {
        try
        {
            root.Error.Problem(ToProblem(fault));
            if (root.Variable("BAL_DEBUG") == "1") root.Error.Write(fault + "\n");
        }
        catch (IOException)
        {
            // Nobody is left to read it; the exit code remains.
        }
        return IsLimit(fault) ? ExitCode.Failure : ExitCode.Internal;
    }

    /// <summary>
    /// Whether a limit on threads or memory is behind it: the runtime starts threads of its own where it first needs
    /// them, for sockets for example.
    /// </summary>
    internal static bool IsLimit(Exception fault) => fault is OutOfMemoryException
        || (fault is TypeInitializationException { InnerException: { } inner } && IsLimit(inner));

    /// <summary>The text for an error.</summary>
    internal static Problem ToProblem(Exception fault) => fault switch
    {
        OutputException output => new("output_failed", $"the output could not be written: {output.Message}",
            "the disk that it goes to is full, or a device reported an error",
            "free some space, or write it elsewhere"),
        // A thread that cannot be started is the same exception as memory that cannot be had.
        _ when IsLimit(fault) => new("resources_exhausted",
            "bal cannot continue: the system refused it another thread or more memory",
            "a limit was reached: on processes and threads of this user (ulimit -u, TasksMax=, a pids cgroup), or on "
                + "memory (ulimit -v, MemoryMax=)",
            "raise the limit, or end other processes of this user; then run the command again"),
        _ => new("internal_error",
            $"bal stopped because of an internal error: {fault.GetType().Name}: {fault.Message}",
            "this is a bug in bal, not a mistake on your part",
            "run the command again with BAL_DEBUG=1 and report what it prints"),
    };
}
