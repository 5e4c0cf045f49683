using Bal.Infrastructure.Reacting;

namespace Bal.Integration.Supervision;

/// <summary>A thread that does not get to its reactor for a while.</summary>
internal static class Pauses
{
    /// <summary>Returns once the reactor's clock has moved on by more than so many milliseconds.</summary>
    public static void StandStill(this Reactor reactor, int ms)
    {
        var until = reactor.Now.Plus(new(ms + 1));
        Assert.True(SpinWait.SpinUntil(() => until.IsDue(reactor.Now), TimeSpan.FromSeconds(20)));
    }
}
