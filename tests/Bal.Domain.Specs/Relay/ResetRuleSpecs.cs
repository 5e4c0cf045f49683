using Bal.Domain.Counting;
using Bal.Domain.Relay;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Relay;

/// <summary>How long an RST waits for the bytes that came before it.</summary>
[Properties(Arbitrary = [typeof(ResetRuleSpecs)], MaxTest = 500)]
public class ResetRuleSpecs
{
    public static Arbitrary<Delivery> Deliveries() => Arb.From(Gen.Elements(Enum.GetValues<Delivery>()));

    [Property]
    public void While_time_is_left_it_ends_only_when_all_is_acknowledged_or_nobody_is_left_to_receive_it(
        Delivery delivery, ushort unacknowledged, ushort now, byte left)
    {
        var pending = unacknowledged % 3;
        var step = ResetRule.Next(delivery, pending, now + 1 + left, now);

        var over = delivery == Delivery.ReceiverFailed || (delivery == Delivery.Done && pending == 0);
        Assert.Equal(over, step.IsOver);
    }

    [Property]
    public void Once_the_time_is_up_it_ends_whatever_is_left(
        Delivery delivery, ushort unacknowledged, ushort until, byte late) =>
        Assert.True(ResetRule.Next(delivery, unacknowledged, until, until + late).IsOver);

    [Property]
    public void It_is_looked_at_again_later_than_now_within_a_moment_and_not_after_the_time_is_up(
        Delivery delivery, ushort unacknowledged, ushort now, byte left)
    {
        var until = now + 1L + left;
        var step = ResetRule.Next(delivery, unacknowledged, until, now);
        if (!step.IsOver)
            Assert.InRange(step.LookAt, now + 1, Math.Min(until, now + ResetRule.PollMs));
    }

    [Property]
    public void It_goes_on_at_once_exactly_where_more_can_be_delivered_now(
        Delivery delivery, ushort unacknowledged, ushort now, byte left)
    {
        var step = ResetRule.Next(delivery, unacknowledged, now + 1L + left, now);
        if (!step.IsOver)
            Assert.Equal(delivery == Delivery.More, step.GoesOn);
    }

    [Fact]
    public void The_reason_names_the_side_that_sent_the_RST()
    {
        Assert.Equal(TerminationReason.BackendReset, ResetRule.ReasonOf(resetByBackend: true, timedOut: false));
        Assert.Equal(TerminationReason.ClientReset, ResetRule.ReasonOf(resetByBackend: false, timedOut: false));
    }

    [Fact]
    public void A_peer_that_no_longer_answers_is_a_reason_of_its_own()
    {
        Assert.Equal(TerminationReason.PeerTimeout, ResetRule.ReasonOf(resetByBackend: true, timedOut: true));
        Assert.Equal(TerminationReason.PeerTimeout, ResetRule.ReasonOf(resetByBackend: false, timedOut: true));
    }
}
