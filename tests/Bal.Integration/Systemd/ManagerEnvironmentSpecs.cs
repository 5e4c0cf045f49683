using Bal.Infrastructure.Systemd;

namespace Bal.Integration.Systemd;

/// <summary>What the variables of sd_notify(3) and sd_watchdog_enabled(3) ask for.</summary>
public sealed class ManagerEnvironmentSpecs
{
    private const int Own = 4711;

    [Theory]
    [InlineData(null, "30000000", null, 0)]
    [InlineData("", "30000000", null, 0)]
    [InlineData("/run/notify", null, null, 0)]
    [InlineData("/run/notify", "30000000", null, 30_000_000)]
    [InlineData("/run/notify", "30000000", "", 30_000_000)]
    [InlineData("/run/notify", "30000000", "4711", 30_000_000)]
    [InlineData("/run/notify", "30000000", "4712", 0)] // it is meant for another process
    [InlineData("/run/notify", "30000000", "self", 0)]
    [InlineData("/run/notify", "-5", null, 0)]
    [InlineData("/run/notify", "soon", null, 0)]
    [InlineData("/run/notify", "99999999999999999999", null, 0)]
    public void A_watchdog_is_served_only_where_it_is_meant_for_this_process(
        string? address, string? watchdog, string? pid, long expected)
    {
        var found = Of(address, watchdog, pid);
        Assert.Equal(expected, found.WatchdogUs);
        Assert.Equal(string.IsNullOrEmpty(address) ? null : address, found.Address);
    }

    [Fact]
    public void A_successor_finds_the_same_manager_under_its_own_process_id()
    {
        var inherited = Of("@manager", "5000000", "4711").ForSuccessor();

        Assert.Equal(Of("@manager", "5000000", null), ManagerEnvironment.Of(name => inherited[name], processId: 1));
        Assert.Equal(ManagerEnvironment.Variables.Order(), inherited.Keys.Order());
        Assert.All(ManagerEnvironment.None.ForSuccessor().Values, Assert.Null);
    }

    private static ManagerEnvironment Of(string? address, string? watchdog, string? pid) => ManagerEnvironment.Of(
        name => name switch
        {
            "NOTIFY_SOCKET" => address,
            "WATCHDOG_USEC" => watchdog,
            "WATCHDOG_PID" => pid,
            _ => throw new ArgumentOutOfRangeException(nameof(name)),
        }, Own);
}
