using System.Net;
using System.Net.Sockets;
using Bal.Infrastructure.Linux;

namespace Bal.Integration.Diagnosis;

public sealed class SocketTableSpecs
{
    [Fact]
    public void Looking_for_a_listener_costs_no_memory_for_each_connection_of_the_machine()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1_000);
        var connections = new List<Socket>();
        for (var i = 0; i < 1_000; i++)
        {
            connections.Add(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            connections[i].Connect(listener.LocalEndPoint!);
        }

        var wanted = (IPEndPoint)listener.LocalEndPoint!;
        Assert.Single(SocketTable.ListenersOn(wanted));
        var before = GC.GetAllocatedBytesForCurrentThread();
        SocketTable.ListenersOn(wanted);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        foreach (var connection in connections)
            connection.Dispose();
        // Two rows each; the listeners of the machine, which are few, may cost something.
        Assert.InRange(allocated, 1, 200 * 1_000);
    }
}
