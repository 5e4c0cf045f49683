using Bal.Domain.Relay;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Relay;

/// <summary>What the kernel reports of a socket, and what a session makes of it in each state.</summary>
[Properties(Arbitrary = [typeof(EventRuleSpecs)], MaxTest = 500)]
public class EventRuleSpecs
{
    private const SocketEvents Broken = SocketEvents.Error | SocketEvents.HangUp;

    public static Arbitrary<SocketEvents> Events() => Arb.From(
        from bits in Gen.ArrayOf(
            Gen.Elements(
                SocketEvents.None, SocketEvents.Readable, SocketEvents.Urgent, SocketEvents.Writable,
                SocketEvents.Error, SocketEvents.HangUp, SocketEvents.PeerFinished),
            4)
        select bits.Aggregate((all, bit) => all | bit));

    public static Arbitrary<SessionState> States() => Arb.From(Gen.Elements(Enum.GetValues<SessionState>()));

    [Property]
    public void An_event_of_a_session_that_has_ended_is_ignored_whatever_it_says(
        SocketEvents events, bool ofBackend, bool resetByBackend)
    {
        foreach (var over in new[] { SessionState.Closed, SessionState.Free })
            Assert.Equal(EventMeaning.Stale, EventRule.MeaningOf(over, events, ofBackend, resetByBackend));
    }

    [Property]
    public void Every_event_of_a_session_that_lives_is_heeded(
        SessionState state, SocketEvents events, bool ofBackend, bool resetByBackend) => Assert.Equal(
            state is SessionState.Closed or SessionState.Free,
            EventRule.MeaningOf(state, events, ofBackend, resetByBackend) == EventMeaning.Stale);

    [Property]
    public void While_bytes_flow_an_error_is_a_reset_and_everything_else_moves_bytes(
        SocketEvents events, bool ofBackend, bool resetByBackend) => Assert.Equal(
            events.HasFlag(SocketEvents.Error) ? EventMeaning.BeginReset : EventMeaning.Relay,
            EventRule.MeaningOf(SessionState.Relaying, events, ofBackend, resetByBackend));

    [Property]
    public void A_further_error_of_the_side_that_was_reset_does_not_cut_off_its_last_bytes(
        SocketEvents events, bool byBackend) => Assert.Equal(
            EventMeaning.Relay, EventRule.MeaningOf(SessionState.Resetting, events, byBackend, byBackend));

    [Property]
    public void Once_the_receiver_of_the_last_bytes_is_gone_too_nothing_is_waited_for(
        SocketEvents events, bool byBackend) => Assert.Equal(
            events.HasFlag(SocketEvents.Error) ? EventMeaning.EndReset : EventMeaning.Relay,
            EventRule.MeaningOf(SessionState.Resetting, events, !byBackend, byBackend));

    [Property]
    public void A_session_that_is_being_connected_asks_what_the_event_says_of_the_connect(
        SocketEvents events, bool ofBackend, bool resetByBackend) => Assert.Equal(
            EventMeaning.Connecting,
            EventRule.MeaningOf(SessionState.Connecting, events, ofBackend, resetByBackend));

    [Property]
    public void While_the_client_has_yet_to_say_who_it_is_every_event_asks_what_it_has_said(
        SocketEvents events, bool ofBackend, bool resetByBackend) => Assert.Equal(
            EventMeaning.Greeting, EventRule.MeaningOf(SessionState.Greeting, events, ofBackend, resetByBackend));

    [Property]
    public void A_connect_is_done_when_there_is_room_to_write_and_no_failure(SocketEvents events)
    {
        var failed = (events & Broken) != 0;
        Assert.Equal(failed, EventRule.OfBackend(events) == ConnectMeaning.Failed);
        Assert.Equal(
            !failed && events.HasFlag(SocketEvents.Writable),
            EventRule.OfBackend(events) == ConnectMeaning.Connected);
    }

    [Property]
    public void A_client_that_has_only_sent_its_FIN_still_waits_for_the_answer(SocketEvents events) =>
        Assert.Equal((events & Broken) != 0, EventRule.ClientMayBeGone(events));

    [Property]
    public void A_socket_that_is_broken_wakes_both_directions(SocketEvents events)
    {
        if ((events & Broken) != 0)
            Assert.Equal(
                Readiness.Readable | Readiness.Writable | Readiness.ShortReads, EventRule.ReadinessOf(events));
    }

    [Property]
    public void A_FIN_is_read_like_bytes_and_room_to_write_alone_is_nothing_to_read(SocketEvents events)
    {
        if ((events & Broken) != 0)
            return;
        var ready = EventRule.ReadinessOf(events);
        Assert.Equal(
            (events & (SocketEvents.Readable | SocketEvents.PeerFinished)) != 0, ready.HasFlag(Readiness.Readable));
        Assert.Equal(events.HasFlag(SocketEvents.Writable), ready.HasFlag(Readiness.Writable));
    }

    [Property]
    public void After_a_FIN_or_urgent_data_a_short_read_does_not_mean_that_the_socket_is_empty(SocketEvents events)
    {
        if ((events & Broken) == 0)
            Assert.Equal(
                (events & (SocketEvents.PeerFinished | SocketEvents.Urgent)) != 0,
                EventRule.ReadinessOf(events).HasFlag(Readiness.ShortReads));
    }

    [Property]
    public void What_is_reported_together_makes_ready_what_each_report_does(SocketEvents one, SocketEvents other) =>
        Assert.Equal(
            EventRule.ReadinessOf(one) | EventRule.ReadinessOf(other), EventRule.ReadinessOf(one | other));

    [Fact]
    public void The_numbers_are_those_of_the_kernel() => Assert.Equal(
        [0x1u, 0x2u, 0x4u, 0x8u, 0x10u, 0x2000u],
        new[]
        {
            SocketEvents.Readable, SocketEvents.Urgent, SocketEvents.Writable, SocketEvents.Error,
            SocketEvents.HangUp, SocketEvents.PeerFinished,
        }.Select(e => (uint)e));
}
