using System.Net.Sockets;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using LanguageExt;

namespace Bal.Integration.DataPlane;

/// <summary>The connections of a backend that is to have none: they end, and those on their way go elsewhere.</summary>
public sealed class ResetSpecs
{
    [Theory]
    [InlineData(1, TerminationReason.BackendDown)]
    [InlineData(3, TerminationReason.PrimaryUp)]
    public void The_connections_of_a_backend_end_with_RST_on_both_sides_and_no_others(
        int loops, TerminationReason reason)
    {
        using var one = new Backend();
        using var other = new Backend().Echoing();
        using var plane = new LivePlane(loops, one.Port);
        var clients = Enumerable.Range(0, 8).Select(_ => plane.Client()).ToArray();
        var served = clients.Select(_ => one.Accept()).ToArray();
        plane.UntilEstablished(8);
        plane.Publish(t => t with { Up = Prelude.Array(LivePlane.RouteTo(2, other.Port)), Down = t.Up });
        using var elsewhere = plane.Client();
        elsewhere.Send("hello"u8);
        Assert.Equal("hello"u8.ToArray(), elsewhere.Read(5));

        plane.Plane.Reset(new BackendId(1), reason);

        Assert.All(clients.Concat(served), socket => Assert.True(socket.ReadToEnd().Reset));
        plane.Until(() => plane.Open == 1, "only the other connection is left");
        Assert.Equal(8, plane.Plane.Measure().Of(ServiceCounters.Of(reason)));
        elsewhere.Send("still"u8);
        Assert.Equal("still"u8.ToArray(), elsewhere.Read(5));
        Array.ForEach([.. clients, .. served], socket => socket.Dispose());
    }

    [Fact]
    public void A_client_that_is_being_connected_goes_on_to_the_next_backend_and_nothing_is_held_against_this_one()
    {
        using var silent = new Silent();
        using var good = new Backend().Echoing();
        using var plane = new LivePlane(1, silent.Port);
        using var client = plane.Client();
        client.Send("hello"u8);
        plane.Until(() => Active(plane, 1) == 1, "it is being connected");

        plane.Publish(t => t with { Up = Prelude.Array(LivePlane.RouteTo(2, good.Port)), Down = t.Up });
        plane.Plane.Reset(new BackendId(1), TerminationReason.BackendDown);

        Assert.Equal("hello"u8.ToArray(), client.Read(5));
        plane.Settle();
        Assert.Equal(0, Active(plane, 1));
        Assert.Empty(plane.Events.OfType<ControlEvent.ConnectsFailed>());
    }

    [Fact]
    public void A_connect_that_completes_in_the_very_batch_of_the_reset_is_no_connection_afterwards()
    {
        using var down = new Backend();
        using var good = new Backend().Echoing();
        using var plane = new LivePlane(1, down.Port);
        Socket client;
        // The loop finds the client and, once it has begun to connect, the end of that connect beside the command.
        using (plane.Hold())
            client = plane.Client();
        plane.Until(() => Active(plane, 1) == 1, "it is being connected, or is connected");
        using (plane.Hold())
        {
            plane.Publish(t => t with { Up = Prelude.Array(LivePlane.RouteTo(2, good.Port)), Down = t.Up });
            plane.Plane.Reset(new BackendId(1), TerminationReason.BackendDown);
        }

        plane.Settle();
        plane.Until(() => Active(plane, 1) == 0, "nobody is connected there");
        client.Dispose();
    }

    [Fact]
    public void Who_was_sent_to_a_backend_that_is_down_by_the_present_table_stays()
    {
        using var down = new Backend().Echoing();
        using var plane = new LivePlane(1, down.Port);
        plane.Publish(t => t with { Up = Arr<Route>.Empty, Down = t.Up });
        using var client = plane.Client();
        client.Send("hello"u8);
        Assert.Equal("hello"u8.ToArray(), client.Read(5));

        plane.Plane.Reset(new BackendId(1), TerminationReason.BackendDown);

        plane.Settle();
        client.Send("still"u8);
        Assert.Equal("still"u8.ToArray(), client.Read(5));
    }

    [Fact]
    public void A_replaced_process_ends_all_of_them_since_it_does_not_hear_of_later_tables()
    {
        using var one = new Backend().Echoing();
        using var plane = new LivePlane(1, one.Port);
        using var client = plane.Client();
        client.Send("hello"u8);
        Assert.Equal("hello"u8.ToArray(), client.Read(5));

        plane.Plane.ResetAll(new(new BackendId(1), TerminationReason.BackendDown));

        plane.UntilEnded(TerminationReason.BackendDown);
    }

    private static long Active(LivePlane plane, int backend) =>
        plane.Plane.Measure().Backends.Find(b => b.Backend == new BackendId(backend)).Match(b => b.Active, () => 0);
}
