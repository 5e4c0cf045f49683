using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Reacting;

namespace Bal.Infrastructure.Systemd;

/// <summary>
/// At half of the interval that the service manager has set, every event loop is asked for an answer, and only when all
/// have given it is the sign of life sent: by the supervisor, whose timer this is. So whoever of them hangs lets the
/// manager act. A loop that is late is waited for, not asked twice.
/// </summary>
internal static class Watchdog
{
    /// <summary>Begins, where the manager wants it; otherwise nothing ever wakes up for it.</summary>
    public static void Start(ManagerEnvironment environment, Reactor reactor, Plane plane, Action alive)
    {
        if (environment.WatchdogUs > 0)
            Beat(reactor, plane, new Duration(Math.Max(1, environment.WatchdogUs / 2_000)), alive);
    }

    private static void Beat(Reactor reactor, Plane plane, Duration every, Action alive)
    {
        plane.AskForAnswer(alive);
        reactor.After(every, () => Beat(reactor, plane, every, alive));
    }
}
