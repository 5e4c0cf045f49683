namespace Bal.Soak;

/// <summary>The end of bal's log is only of interest where something has failed; the soak says so itself.</summary>
internal sealed class Quiet : ITestOutputHelper
{
    public void WriteLine(string message)
    {
    }

    public void WriteLine(string format, params object[] args)
    {
    }
}
