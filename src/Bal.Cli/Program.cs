using Bal.Infrastructure.Process;

namespace Bal.Cli;

internal static class Program
{
    private static int Main(string[] args)
    {
        ProcessSetup.Prepare();
        // This opens no file, so that errors can be reported whatever the limits are.
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
