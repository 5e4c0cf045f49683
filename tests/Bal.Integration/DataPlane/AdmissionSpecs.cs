using System.Net.Sockets;
using Bal.Domain.Admission;
using Bal.Domain.Control;
using Bal.Domain.Counting;

namespace Bal.Integration.DataPlane;

public sealed class AdmissionSpecs
{
    [Fact]
    public async Task The_limit_is_exact_however_many_loops_race_for_the_last_place()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(4, backend.Port);
        plane.Tune(t => t with { MaxConcurrentConnections = 50 });
        plane.Settle();
        for (var round = 0; round < 5; round++)
        {
            // Threads of their own: the pool's are needed by the backend.
            Task<Socket?> Served(LivePlane to) => Task.Factory.StartNew(
                () => AdmissionSpecs.Served(to.Port), CancellationToken.None, TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
            var served = await Task.WhenAll(Enumerable.Range(0, 150).Select(_ => Served(plane)));
            Assert.Equal(50, served.Count(s => s is not null));
            Assert.Equal(50, plane.Open);
            foreach (var client in served)
                client?.Dispose();
            plane.Until(() => plane.Open == 0, "every place is free again");
        }

        Assert.Equal(500, plane.Plane.Measure().Of(ServiceCounters.Of(Refusal.Limit)));
        Assert.Equal(250, plane.Plane.Measure().Backends[0].Total);
        Assert.Equal(0, plane.Plane.Measure().Backends[0].Active);
    }

    [Fact]
    public void A_burst_is_spread_over_the_loops_and_no_loop_takes_it_all()
    {
        const int Clients = 400;
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(4, backend.Port);
        var clients = Enumerable.Range(0, Clients).Select(_ => plane.Client()).ToList();

        plane.Until(
            () => plane.Plane.EstablishedByLoop(new(1)).Sum() == Clients, "every client has a backend");

        // The kernel spreads them by a hash of the addresses: 100 a loop give or take 9, of which this allows five.
        Assert.All(plane.Plane.EstablishedByLoop(new(1)), taken => Assert.InRange(taken, 55, 145));
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public void A_place_is_free_once_the_one_before_has_seen_its_connection_end()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(2, backend.Port);
        plane.Tune(t => t with { MaxConcurrentConnections = 1 });
        plane.Settle();
        for (var i = 0; i < 300; i++)
        {
            using var client = plane.Client();
            client.Send("x"u8);
            client.Shutdown(SocketShutdown.Send);
            var got = client.ReadToEnd();
            Assert.False(got.Reset, $"client {i} was rejected although nobody else was there");
            Assert.Single(got.Bytes);
        }
    }

    [Fact]
    public void A_burst_of_rejections_is_told_to_the_last_one()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(1, backend.Port);
        plane.Tune(t => t with { MaxConcurrentConnections = 1 });
        using var holder = plane.Client();
        holder.Send("x"u8);
        holder.Read(1);
        for (var i = 0; i < 40; i++)
        {
            Assert.Null(Served(plane.Port));
            plane.Collect();
        }

        plane.Until(
            () => plane.Events.OfType<ControlEvent.ClientsRefused>().LastOrDefault()?.Total == 40,
            "the supervisor knows of all 40");
        Assert.InRange(plane.Events.OfType<ControlEvent.ClientsRefused>().Count(), 1, 5);
    }

    /// <summary>A connection that is being served, or null where it was rejected.</summary>
    private static Socket? Served(int port)
    {
        var client = Sockets.New();
        try
        {
            client.Connect(System.Net.IPAddress.Loopback, port);
            client.Send("x"u8);
            client.Read(1);
            return client;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            client.Dispose();
            return null;
        }
    }
}
