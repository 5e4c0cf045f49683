using Bal.Domain.Relay;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Relay;

/// <summary>When the kernel asks a silent peer whether it is still there, and when it gives it up.</summary>
public class KeepaliveSpecs
{
    [Property(MaxTest = 500)]
    public void A_dead_peer_is_found_after_at_most_twice_the_value_in_whole_seconds(uint more)
    {
        var ms = 3_000L + more;
        var keepalive = Keepalive.Of(ms);
        var seconds = (ms + 999) / 1_000;

        // tcp_keepalive_timer: the first question after the idle time, then one at each interval.
        Assert.InRange(
            keepalive.IdleSeconds + keepalive.Probes * keepalive.IntervalSeconds, keepalive.IdleSeconds, 2 * seconds);
        Assert.Equal(Math.Min(seconds, Keepalive.MostSeconds), keepalive.IdleSeconds);
    }

    [Property]
    public void What_the_kernel_is_told_it_accepts(uint ms)
    {
        var keepalive = Keepalive.Of(ms);
        if (!keepalive.IsOn)
            return;
        Assert.InRange(keepalive.IdleSeconds, 1, 32_767);
        Assert.InRange(keepalive.IntervalSeconds, 1, 32_767);
        Assert.InRange(keepalive.Probes, 1, 127);
    }

    [Property]
    public void A_socket_that_is_told_late_is_asked_no_later_than_one_that_is_told_at_once(uint ms)
    {
        var keepalive = Keepalive.Of(ms);

        Assert.InRange(keepalive.BeginsAfterMs, 0, keepalive.IdleSeconds * 1_000L);
    }

    [Fact]
    public void Zero_asks_nobody() => Assert.False(Keepalive.Of(0).IsOn);
}
