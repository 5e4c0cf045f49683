using Bal.Domain.Messages;

namespace Bal.Cli;

/// <summary>
/// The end of a command that something unforeseen has stopped: three lines, never a bare stack trace.
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
            // Nobody is left to read it; the exit code still tells.
        }
        return ExitCode.Internal;
    }

    /// <summary>What is said of a fault.</summary>
    internal static Problem ToProblem(Exception fault) => fault is OutputException output
        ? new Problem("output_failed", $"the output could not be written: {output.Message}",
            "the disk that it goes to is full, or a device reported an error", "free some space, or write it elsewhere")
        : new Problem("internal_error",
            $"bal stopped because of a fault of its own: {fault.GetType().Name}: {fault.Message}",
            "a defect in bal, not something that you did wrong",
            "run the command again with BAL_DEBUG=1 and report what it prints");
}
