using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Infrastructure.DataPlane;
using LanguageExt;

namespace Bal.Integration.DataPlane;

/// <summary>What a loop reports, and that it wakes the supervisor for nothing else.</summary>
public sealed class ReportSpecs
{
    [Fact]
    public void A_connect_that_succeeds_is_reported_only_where_the_table_asks_for_it()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(1, backend.Port);
        Serve(plane);
        plane.Settle();
        Assert.Empty(plane.Events);

        plane.Publish(t => t with { Up = t.Up.Map(r => r with { WantsSuccess = true }) });
        Serve(plane);
        plane.Until(() => plane.Events.Count > 0, "the success is told");
        Assert.Equal(new ControlEvent.ConnectsSucceeded(new BackendId(1), 1), Assert.Single(plane.Events));
    }

    [Fact]
    public void The_end_of_the_last_connection_is_reported_while_draining_and_not_before()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(1, backend.Port);
        var reports = new List<LoopReport>();
        Serve(plane);
        Until(() => plane.Open == 0);
        Flush(plane, 1);
        Assert.DoesNotContain(reports, r => r.Kind is LoopReportKind.AllIdle or LoopReportKind.BackendIdle);

        using (var one = plane.Client())
        using (var other = plane.Client())
        {
            plane.UntilEstablished(3);
            plane.Publish(t => t with { Up = [], Draining = Prelude.Array(new BackendId(1)) });
            plane.Plane.StopAccepting();
            Flush(plane, 2);
            one.Dispose();
            Until(() => plane.Open == 1);
            Flush(plane, 3);
            Assert.DoesNotContain(reports, r => r.Kind is LoopReportKind.AllIdle or LoopReportKind.BackendIdle);
        }

        Until(() => reports.Exists(r => r.Kind == LoopReportKind.AllIdle));
        Assert.Single(reports, r => r.Kind == LoopReportKind.BackendIdle && r.Subject == 1);
        Assert.Single(reports, r => r.Kind == LoopReportKind.AllIdle && r.Subject == 0);

        // The loop's own mailbox is read here, before the plane translates it.
        void Until(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(
            () =>
            {
                reports.AddRange(plane.Plane.MailboxOf(0).Take());
                return condition();
            },
            Sockets.PatienceMs));

        void Flush(LivePlane plane, int round)
        {
            var done = 0;
            plane.Plane.OnEveryLoop(() => Volatile.Write(ref done, round));
            Until(() => Volatile.Read(ref done) == round);
        }
    }

    [Fact]
    public void Equal_reports_in_a_row_are_one_with_their_number()
    {
        using var refusing = new Refusing();
        using var plane = new LivePlane(1, refusing.Port);
        using (plane.Hold())
        {
            for (var i = 0; i < 3; i++)
                plane.Plane.MailboxOf(0).Post(LoopReportKind.ConnectFailed, 1, FailureKind.Timeout);
            plane.Plane.MailboxOf(0).Post(LoopReportKind.ConnectFailed, 1, FailureKind.Refused);
            plane.Plane.MailboxOf(0).Post(LoopReportKind.ConnectFailed, 2, FailureKind.Refused);
            plane.Plane.MailboxOf(0).Post(LoopReportKind.ConnectSucceeded, 2, FailureKind.Refused);
        }

        plane.Settle();
        Assert.Equal(
            [
                new ControlEvent.ConnectsFailed(new BackendId(1), FailureKind.Timeout, 3),
                new ControlEvent.ConnectsFailed(new BackendId(1), FailureKind.Refused, 1),
                new ControlEvent.ConnectsFailed(new BackendId(2), FailureKind.Refused, 1),
                new ControlEvent.ConnectsSucceeded(new BackendId(2), 1),
            ],
            plane.Events.ToArray<ControlEvent>());
    }

    [Theory]
    [InlineData(110, FailureKind.Timeout)]
    [InlineData(111, FailureKind.Refused)]
    [InlineData(113, FailureKind.NoRoute)]
    [InlineData(104, FailureKind.Other)]
    [InlineData(101, FailureKind.NoRoute)]
    [InlineData(100, FailureKind.NoRoute)]
    [InlineData(112, FailureKind.NoRoute)]
    [InlineData(24, FailureKind.Local)]
    [InlineData(23, FailureKind.Local)]
    [InlineData(105, FailureKind.Local)]
    [InlineData(12, FailureKind.Local)]
    [InlineData(99, FailureKind.Local)]
    [InlineData(11, FailureKind.Local)]
    [InlineData(1, FailureKind.NotPermitted)]
    [InlineData(13, FailureKind.NotPermitted)]
    [InlineData(97, FailureKind.NoRoute)]
    [InlineData(98, FailureKind.Local)]
    [InlineData(28, FailureKind.Local)]
    public void An_error_of_connect_says_whose_fault_it_is(int errno, FailureKind kind) =>
        Assert.Equal(kind, ConnectErrors.KindOf(errno));

    private static void Serve(LivePlane plane)
    {
        using var client = plane.Client();
        client.Send("x"u8);
        client.Read(1);
    }
}
