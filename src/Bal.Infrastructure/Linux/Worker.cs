namespace Bal.Infrastructure.Linux;

/// <summary>Optional threads: at a limit on threads, callers do without.</summary>
internal static class Worker
{
    /// <summary>Starts a thread in the background; false where the system has none left (pthread_create(3)).</summary>
    public static bool TryStart(string name, ThreadStart work)
    {
        try
        {
            new Thread(work, 256 * 1024) { Name = name, IsBackground = true }.Start();
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }
}
