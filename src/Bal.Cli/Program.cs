using Bal.Infrastructure.Process;

namespace Bal.Cli;

internal static class Program
{
    private static int Main(string[] args)
    {
        ProcessSetup.Prepare();
        // Opens nothing: what follows can always be said, whatever the limits.
        var root = CompositionRoot.ForThisProcess();
        try
        {
            return CommandLine.Run(args, root);
        }
        catch (Exception fault)
        {
            return Faults.Report(fault, root);
        }
    }
}
