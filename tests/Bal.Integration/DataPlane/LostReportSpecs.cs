using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Infrastructure.DataPlane;

namespace Bal.Integration.DataPlane;

/// <summary>
/// A loop's mailbox that the supervisor does not empty in time loses reports, and none of them in silence.
/// </summary>
public sealed class LostReportSpecs
{
    [Fact]
    public void Reports_that_found_the_mailbox_full_are_told_by_their_number_once()
    {
        const int beyond = 77;
        using var live = new LivePlane(loops: 2, serving: false);
        var mailbox = live.Plane.MailboxOf(1);
        Fill(mailbox, LoopMailbox.Capacity + beyond);

        live.Collect();
        live.Collect();

        var lost = Assert.Single(live.Events.OfType<ControlEvent.ReportsLost>());
        Assert.Equal(beyond, lost.Total);
        Assert.Equal(LoopMailbox.Capacity, live.Events.OfType<ControlEvent.ConnectsFailed>().Sum(e => e.Count));
    }

    [Fact]
    public void What_ends_a_drain_gets_into_a_full_mailbox()
    {
        using var live = new LivePlane(loops: 1, serving: false);
        var mailbox = live.Plane.MailboxOf(0);
        Fill(mailbox, LoopMailbox.Capacity);
        live.Plane.StopAccepting();

        live.Until(() => live.Events.OfType<ControlEvent.AllIdle>().Any(), "the drain has ended");
    }
    // Each of another backend, or equal neighbours would be merged.
    private static void Fill(LoopMailbox mailbox, int count)
    {
        for (var i = 0; i < count; i++)
            mailbox.Post(LoopReportKind.ConnectFailed, subject: i, FailureKind.Refused);
    }
}
