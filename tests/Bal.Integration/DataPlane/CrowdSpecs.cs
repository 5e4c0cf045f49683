using Bal.Domain.Counting;

namespace Bal.Integration.DataPlane;

/// <summary>More at one moment than a loop takes in one go.</summary>
public sealed class CrowdSpecs
{
    [Fact]
    public void More_events_than_one_batch_holds_are_all_handled()
    {
        // A batch holds 512.
        const int Clients = 600;
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(1, backend.Port);
        var clients = Enumerable.Range(0, Clients).Select(_ => plane.Client()).ToArray();
        plane.UntilEstablished(Clients);
        using (plane.Hold())
        {
            for (var i = 0; i < Clients; i++)
                clients[i].Send(BitConverter.GetBytes(i));
        }

        for (var i = 0; i < Clients; i++)
            Assert.Equal(i, BitConverter.ToInt32(clients[i].Read(4)));
        foreach (var client in clients)
            client.Dispose();
        plane.UntilEnded(TerminationReason.Completed, Clients);
    }

    [Theory]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(200)]
    public void Every_client_that_waits_in_the_queue_is_accepted_however_many_are_taken_in_a_row(int waiting)
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(1, serving: false, backend.Port);
        var clients = Enumerable.Range(0, waiting).Select(_ => plane.Client()).ToArray();
        plane.Plane.Commit();
        for (var i = 0; i < waiting; i++)
        {
            clients[i].Send(BitConverter.GetBytes(i));
            Assert.Equal(i, BitConverter.ToInt32(clients[i].Read(4)));
        }

        Assert.Equal(waiting, plane.Open);
        Array.ForEach(clients, client => client.Dispose());
        plane.UntilEnded(TerminationReason.Completed, waiting);
    }

    [Fact]
    public void A_crowd_that_has_been_silent_since_the_same_moment_ends_together_and_leaves_the_loop_at_rest()
    {
        const int Clients = 100;
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(1, backend.Port);
        var clients = Enumerable.Range(0, Clients).Select(_ => plane.Client()).ToArray();
        plane.UntilEstablished(Clients);
        plane.Tune(t => t with { IdleTimeout = new(100) });

        Assert.All(clients, client => Assert.False(client.ReadToEnd().Reset));
        Array.ForEach(clients, client => client.Dispose());
        plane.UntilEnded(TerminationReason.IdleTimeout, Clients);
    }
}
