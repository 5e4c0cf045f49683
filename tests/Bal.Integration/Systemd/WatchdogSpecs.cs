using System.Diagnostics;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Reacting;
using Bal.Infrastructure.Systemd;

namespace Bal.Integration.Systemd;

/// <summary>A sign of life stands for every event loop and for the supervisor, or it is not given.</summary>
public sealed class WatchdogSpecs
{
    private const int WatchdogMs = 40;

    [Fact]
    public void One_loop_that_hangs_is_enough_for_the_signs_of_life_to_end_until_it_goes_on()
    {
        using var reactor = new Reactor();
        using var plane =
            new Plane(2, DataPlane.LivePlane.Unlimited(2), DataPlane.LivePlane.Counts(), reactor.Wake, _ => { });
        reactor.Collect = plane.Collect;
        var signs = 0;
        Watchdog.Start(new ManagerEnvironment("@unused", WatchdogMs * 1_000), reactor, plane, () => signs++);
        Until(reactor, () => signs >= 3, "three signs of life came");

        using var hang = new ManualResetEventSlim();
        var first = 0;
        var hung = 0;
        plane.OnEveryLoop(() =>
        {
            if (Interlocked.Increment(ref first) != 1)
                return;
            Volatile.Write(ref hung, 1);
            hang.Wait();
        });
        Until(reactor, () => Volatile.Read(ref hung) == 1, "one loop hangs");
        // An answer of before may still be on its way.
        Supervise(reactor, WatchdogMs);
        signs = 0;
        Supervise(reactor, 10 * WatchdogMs);
        Assert.Equal(0, signs);

        hang.Set();
        Until(reactor, () => signs >= 3, "the signs of life came back");
    }

    [Fact]
    public void Where_no_watchdog_is_wanted_nothing_wakes_up()
    {
        using var reactor = new Reactor();
        using var plane =
            new Plane(1, DataPlane.LivePlane.Unlimited(1), DataPlane.LivePlane.Counts(), reactor.Wake, _ => { });
        reactor.Collect = plane.Collect;
        var signs = 0;
        Watchdog.Start(new ManagerEnvironment("@unused", 0), reactor, plane, () => signs++);
        Supervise(reactor, 5 * WatchdogMs);
        Assert.Equal(0, signs);
    }

    // This thread is the supervisor.
    private static void Supervise(Reactor reactor, int milliseconds)
    {
        var end = reactor.Now.Plus(new Duration(milliseconds));
        while (!end.IsDue(reactor.Now))
            reactor.Next(end);
    }

    private static void Until(Reactor reactor, Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"waited in vain until {what}");
            reactor.Next(reactor.Now.Plus(new Duration(5)));
        }
    }
}
