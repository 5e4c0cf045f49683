using Bal.Domain.Relay;
using FsCheck;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Relay;

/// <summary>The number that names to epoll what an event concerns.</summary>
public class WatchTagSpecs
{
    [Property]
    public void A_listener_is_found_again_by_its_tag_and_is_taken_for_nothing_else(NonNegativeInt any)
    {
        var slot = any.Get;
        var tag = WatchTag.OfListener(slot);

        Assert.Equal(slot, WatchTag.ListenerOf(tag));
        Assert.False(WatchTag.IsSession(tag));
        Assert.NotEqual(WatchTag.Wake, tag);
    }

    [Property]
    public void Every_listener_has_a_tag_of_its_own(NonNegativeInt one, NonNegativeInt other) =>
        Assert.Equal(one.Get == other.Get, WatchTag.OfListener(one.Get) == WatchTag.OfListener(other.Get));

    [Property]
    public void A_session_and_its_side_are_found_again_by_the_tag(ulong any, bool isBackend)
    {
        // Addresses of sessions are even, and none is in the first page.
        var address = (WatchTag.LeastAddress + any % (1UL << 47)) & ~1UL;
        var tag = WatchTag.OfSocket(address, isBackend);

        Assert.True(WatchTag.IsSession(tag));
        Assert.Equal(address, WatchTag.SessionOf(tag));
        Assert.Equal(isBackend, WatchTag.IsBackend(tag));
    }

    [Fact]
    public void The_wake_up_is_neither_a_session_nor_a_listener()
    {
        Assert.False(WatchTag.IsSession(WatchTag.Wake));
        Assert.True(WatchTag.Wake < WatchTag.OfListener(0));
    }

    [Fact]
    public void The_least_address_is_already_one_of_a_session() =>
        Assert.True(WatchTag.IsSession(WatchTag.OfSocket(WatchTag.LeastAddress, isBackend: false)));
}
