using Bal.Infrastructure.Process;

namespace Bal.Cli;

internal static class Program
{
    private static int Main(string[] args)
    {
        ProcessSetup.Prepare();
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
