using Bal.Domain.Relay;
using FsCheck;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Relay;

/// <summary>How long a loop sleeps, how a list grows, and which pipes are kept.</summary>
public class LoopRuleSpecs
{
    [Property]
    public void A_loop_sleeps_until_the_first_of_two_things_is_due(NonNegativeInt wait, int due)
    {
        var sleep = LoopRule.Sooner(wait.Get, due);

        Assert.Equal(Math.Min(wait.Get, Math.Max(0, due)), sleep);
    }

    [Property]
    public void A_loop_without_anything_else_to_wait_for_sleeps_until_the_one_thing_is_due(NonNegativeInt due) =>
        Assert.Equal(due.Get, LoopRule.Sooner(-1, due.Get));

    [Property]
    public void What_is_overdue_does_not_make_a_loop_sleep_without_end(NegativeInt due, NonNegativeInt wait)
    {
        Assert.Equal(0, LoopRule.Sooner(-1, due.Get));
        Assert.Equal(0, LoopRule.Sooner(wait.Get, due.Get));
    }

    [Fact]
    public void What_is_due_beyond_what_epoll_can_wait_for_is_waited_for_as_long_as_it_can() =>
        Assert.Equal(int.MaxValue, LoopRule.Sooner(-1, long.MaxValue));

    [Property]
    public void A_list_that_is_full_grows_by_half_of_its_new_size_at_least(ushort full)
    {
        var grown = LoopRule.GrownTried(full);

        Assert.True(grown > full);
        Assert.True(grown >= 2 * full);
    }

    [Fact]
    public void The_first_list_of_tried_backends_holds_as_many_as_most_clients_ever_need() =>
        Assert.Equal([8, 16, 32], [LoopRule.GrownTried(0), LoopRule.GrownTried(8), LoopRule.GrownTried(16)]);

    [Property]
    public void A_pipe_with_bytes_inside_is_never_given_to_another_stream(
        PositiveInt bytes, bool isLarge, NonNegativeInt idle) =>
        Assert.False(LoopRule.KeepsPipe(bytes.Get, isLarge, idle.Get));

    [Property]
    public void An_empty_large_pipe_is_always_kept_and_a_small_one_while_there_is_room(byte idle)
    {
        Assert.True(LoopRule.KeepsPipe(0, isLarge: true, idle % 16));
        Assert.Equal(idle % 16 < LoopRule.MaxIdlePipes, LoopRule.KeepsPipe(0, isLarge: false, idle % 16));
    }
}
