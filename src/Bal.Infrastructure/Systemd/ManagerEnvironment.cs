using System.Globalization;

namespace Bal.Infrastructure.Systemd;

/// <summary>What the service manager has left in the environment (sd_notify(3), sd_watchdog_enabled(3)).</summary>
/// <param name="Address">Where it wants to be told: a path, or <c>@</c> and an abstract name; null for nobody.</param>
/// <param name="WatchdogUs">It wants a sign of life within every so many microseconds; 0 for none.</param>
public sealed record ManagerEnvironment(string? Address, long WatchdogUs)
{
    private const string Socket = "NOTIFY_SOCKET";
    private const string Watchdog = "WATCHDOG_USEC";
    private const string WatchdogPid = "WATCHDOG_PID";

    /// <summary>No service manager.</summary>
    public static readonly ManagerEnvironment None = new(null, 0);

    /// <summary>The variables; meant for one process, and thus never to be passed on by accident.</summary>
    public static IReadOnlyList<string> Variables { get; } = [Socket, Watchdog, WatchdogPid];

    /// <summary>Reads the variables, and removes them, so that no child mistakes itself for the service.</summary>
    public static ManagerEnvironment Take()
    {
        var found = Of(Environment.GetEnvironmentVariable, Environment.ProcessId);
        foreach (var name in Variables)
            Environment.SetEnvironmentVariable(name, null);
        return found;
    }

    /// <summary>Reads the variables. Without an address, or for another process, there is no watchdog.</summary>
    /// <param name="variable">The environment.</param>
    /// <param name="processId">This process.</param>
    public static ManagerEnvironment Of(Func<string, string?> variable, int processId)
    {
        if (variable(Socket) is not { Length: > 0 } address)
            return None;
        var isMeant = variable(WatchdogPid) is not { Length: > 0 } pid || Number(pid) == processId;
        return new(address, isMeant ? Number(variable(Watchdog)) : 0);
    }

    /// <summary>
    /// The variables for a process that takes over the service; once it is named by <c>MAINPID=</c>, the manager
    /// listens to it alone. Null removes one.
    /// </summary>
    public IReadOnlyDictionary<string, string?> ForSuccessor() => new Dictionary<string, string?>
    {
        [Socket] = Address,
        [Watchdog] = WatchdogUs > 0 ? WatchdogUs.ToString(CultureInfo.InvariantCulture) : null,
        [WatchdogPid] = null,
    };

    private static long Number(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0;
}
