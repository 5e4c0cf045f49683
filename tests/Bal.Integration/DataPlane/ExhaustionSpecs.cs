using System.Net;
using System.Net.Sockets;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Infrastructure.DataPlane;

namespace Bal.Integration.DataPlane;

/// <summary>When there are no descriptors left, clients get an answer, nothing spins, and it passes.</summary>
public sealed class ExhaustionSpecs
{
    [Fact]
    public void After_a_pause_for_want_of_descriptors_every_listener_accepts_again()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(1, backend.Port);
        var second = Ports.Free();
        plane.Plane.Publish(plane.Table with
        {
            Id = new(2),
            Service = plane.Table.Service with { Name = "second" },
        });
        var config = LivePlane.ConfigOf(plane.Port);
        config = config with
        {
            Services = config.Services.Add(config.Services[0] with
            {
                Name = "second",
                Listener = new Listener(new Bal.Domain.Primitives.Host.Address(IPAddress.Loopback), second),
            }),
        };
        Assert.True(plane.Plane.Prepare(config).IsRight);
        plane.Plane.Commit();
        using var table = DescriptorTable.Of(plane);

        // Twice: with the descriptors the reserve must have come back, too.
        for (var round = 1; round <= 2; round++)
        {
            using var one = Sockets.New();
            using var other = Sockets.New();
            var before = Exhausted(plane);
            using (table.Full(withoutReserve: true))
            {
                one.Connect(IPAddress.Loopback, plane.Port);
                other.Connect(IPAddress.Loopback, second);
                plane.Until(() => Exhausted(plane) > before, "the exhaustion is told");
            }

            AreServed(backend, one, other);
            using var later = plane.Client();
            using var laterOther = Sockets.Connect(second);
            AreServed(backend, later, laterOther);
        }
    }

    [Fact]
    public void Clients_beyond_the_ceiling_of_descriptors_are_reset_and_counted()
    {
        using var backend = new Backend().Echoing();
        // Every number is above this ceiling.
        var limit = DescriptorBudget.Of(0, 1, 0, 0).Fixed + 1;
        using var plane = new LivePlane(RelayMode.Auto, null, limit, 1, serving: true, backend.Port);
        for (var i = 0; i < 3; i++)
        {
            using var client = plane.Client();
            Assert.True(client.ReadToEnd().Reset);
        }

        plane.Until(() => Exhausted(plane) == 3, "all three are told");
        Assert.Equal(0, plane.Open);
    }

    [Fact]
    public void Without_a_descriptor_for_the_backend_the_failure_is_this_machines_and_no_backend_is_blamed()
    {
        using var good = new Backend();
        using var plane = new LivePlane(1, good.Port);
        using var table = DescriptorTable.Of(plane);
        using (table.Full(left: 1))
        {
            // The one that is left is the client's.
            using var client = plane.Client();
            Assert.True(client.ReadToEnd().Reset);
        }

        plane.UntilEnded(TerminationReason.LocalFailure);
        plane.Until(() => plane.Events.Count > 0, "it is told");
        Assert.Equal(
            [new ControlEvent.ClientsRefused(new ServiceId(1), Refusal.Descriptors, 1)], plane.Events);
    }

    [Fact]
    public void After_the_system_has_refused_a_pipe_none_is_asked_for_during_a_second() =>
        DescriptorTable.With(table =>
        {
            using var pool = new PipePool(new DescriptorCeiling(int.MaxValue), new SharedPlaces { Size = 1_000 });
            var side = default(Side);
            using (table.Full())
                Assert.False(pool.Rent(ref side, now: 5_000));

            Assert.False(pool.Rent(ref side, now: 5_999));
            Assert.True(pool.Rent(ref side, now: 6_000));
            pool.Return(ref side);
        });

    [Fact]
    public void A_pipe_whose_number_reaches_the_ceiling_is_not_used() => DescriptorTable.With(_ =>
    {
        var side = default(Side);
        int highest;
        using (var free = new PipePool(new DescriptorCeiling(int.MaxValue), new SharedPlaces { Size = 1_000 }))
        {
            Assert.True(free.Rent(ref side, now: 0));
            highest = Math.Max(side.PipeIn, side.PipeOut);
            free.Return(ref side);
        }

        // The kernel gives out the lowest free numbers: the same again.
        using var below = new PipePool(new DescriptorCeiling(highest), new SharedPlaces { Size = 1_000 });
        Assert.False(below.Rent(ref side, now: 0));
        using var above = new PipePool(new DescriptorCeiling(highest + 1), new SharedPlaces { Size = 1_000 });
        Assert.True(above.Rent(ref side, now: 0));
        above.Return(ref side);
    });

    [Fact]
    public void A_listener_that_has_become_something_else_is_given_up_instead_of_asked_for_ever()
    {
        using var plane = new LivePlane(1);
        using var nothing = Sockets.New();
        var fd = Assert.Single(Assert.Single(plane.Plane.Serving).Sockets);
        using (plane.Hold())
            DescriptorTable.Replace(fd, (int)nothing.Handle);

        plane.Plane.StopAccepting();
        plane.Until(() => plane.Events.OfType<ControlEvent.AllIdle>().Any(), "the drain is over");
    }

    private static long Exhausted(LivePlane plane)
    {
        plane.Collect();
        return plane.Events.OfType<ControlEvent.ClientsRefused>().LastOrDefault()?.Total ?? 0;
    }

    // The backend serves by hand: one that waits for a connection would meet the limit itself.
    private static void AreServed(Backend backend, params Socket[] clients)
    {
        using var first = backend.Accept();
        using var second = backend.Accept();
        first.Send("x"u8);
        second.Send("x"u8);
        Assert.All(clients, client => client.Read(1));
    }
}
