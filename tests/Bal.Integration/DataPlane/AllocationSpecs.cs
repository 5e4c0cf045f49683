using System.Net.Sockets;

namespace Bal.Integration.DataPlane;

public sealed class AllocationSpecs
{
    [Fact]
    public async Task Once_warm_a_loop_allocates_nothing_for_connections_and_bytes()
    {
        using var backend = new Backend().Echoing();
        using var refusing = new Refusing();
        using var plane = new LivePlane(1, backend.Port, refusing.Port);
        var grown = long.MaxValue;
        // What is created once (a list that grows, what a lock needs when it is contended for the first time) belongs
        // to getting warm.
        for (var round = 0; round < 6 && grown > 0; round++)
        {
            var before = Allocated(plane);
            await Load(plane);
            grown = Allocated(plane) - before;
        }

        Assert.Equal(0, grown);
    }

    private static async Task Load(LivePlane plane)
    {
        for (var i = 0; i < 2_000; i++)
        {
            using var client = plane.Client();
            client.Send("x"u8);
            client.Read(1);
            if (i % 3 == 0)
                client.Reset();
            plane.Collect();
        }

        using var bulk = plane.Client();
        var sent = Sockets.Pattern(10_000_000);
        var sending = Task.Run(() =>
        {
            bulk.Send(sent);
            bulk.Shutdown(SocketShutdown.Send);
        });
        Assert.Equal(sent, bulk.ReadToEnd().Bytes);
        await sending;
        plane.Until(() => plane.Open == 0, "every session has ended");
    }

    private static long Allocated(LivePlane plane)
    {
        var bytes = -1L;
        plane.Plane.OnEveryLoop(() => Volatile.Write(ref bytes, GC.GetAllocatedBytesForCurrentThread()));
        plane.Until(() => Volatile.Read(ref bytes) >= 0, "the loop has answered");
        return bytes;
    }
}
