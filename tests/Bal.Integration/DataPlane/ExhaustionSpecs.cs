using System.Net;
using System.Net.Sockets;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Infrastructure.DataPlane;

namespace Bal.Integration.DataPlane;

/// <summary>Tests that take something from the whole process: nothing else runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone in the process";
}

/// <summary>When there are no descriptors left, clients get an answer, nothing spins, and it passes.</summary>
[Collection(Alone.Name)]
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
            Id = new(2), Service = plane.Table.Service with { Name = "second" },
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
        plane.Settle();

        // Twice: the reserve that was given up must have been taken again.
        for (var round = 1; round <= 2; round++)
        {
            using var one = Sockets.New();
            using var other = Sockets.New();
            var before = Exhausted(plane);
            IDisposable held;
            using (DescriptorLimit.Reached())
            {
                one.Connect(IPAddress.Loopback, plane.Port);
                other.Connect(IPAddress.Loopback, second);
                plane.Until(() => Exhausted(plane) > before, "the exhaustion is told");
                // Not in the middle of an accept: that one client would be turned away.
                held = plane.Hold();
            }

            held.Dispose();
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
        var limit = DescriptorBudget.Reserved(1) + 1;
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
        using var silent = new Silent();
        using var good = new Backend().Echoing();
        using var plane = new LivePlane(1, silent.Port, good.Port);
        plane.Tune(t => t with { ConnectTimeout = new(60_000) });
        using var client = plane.Client();
        plane.Until(() => plane.Open == 1, "the client is admitted");
        using (DescriptorLimit.Reached())
        {
            // The SYN is repeated, and refused now; the next backend would need another descriptor.
            silent.Dispose();
            plane.Until(() => plane.Open == 0, "the session has ended");
        }

        Assert.True(client.ReadToEnd().Reset);
        plane.UntilEnded(TerminationReason.LocalFailure);
        Assert.Empty(plane.Events.OfType<ControlEvent.ClientExhausted>());
        Assert.DoesNotContain(plane.Events.OfType<ControlEvent.ConnectsFailed>(), e => e.Backend.Value == 2);
    }

    [Fact]
    public void After_the_system_has_refused_a_pipe_none_is_asked_for_during_a_second()
    {
        using var pool = new PipePool(descriptorCeiling: int.MaxValue, new SharedPlaces { Size = 1_000 });
        var side = default(Side);
        using (DescriptorLimit.Reached())
            Assert.False(pool.Rent(ref side, now: 5_000));

        Assert.False(pool.Rent(ref side, now: 5_999));
        Assert.True(pool.Rent(ref side, now: 6_000));
        pool.Return(ref side);
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
