using System.Globalization;

namespace Bal.EndToEnd.Harness;

/// <summary>Ports of the loopback interface that nobody gets by chance.</summary>
internal static class Ports
{
    // Below what the kernel gives to clients and to who asks for any port: one of those would be taken, every now and
    // then, between this look at it and the start of the server that it is meant for.
    private const int First = 10_000;

    private static readonly int End = int.Parse(
        File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split('\t')[0], CultureInfo.InvariantCulture);

    private static readonly HashSet<int> Given = [];

    /// <summary>A port that nobody listens on and that this process has not been given before.</summary>
    public static int Free()
    {
        Assert.True(End > First + 5_000, $"ports for clients begin at {End}: see net.ipv4.ip_local_port_range");
        while (true)
        {
            var port = Random.Shared.Next(First, End);
            lock (Given)
            {
                if (!Given.Add(port))
                    continue;
            }

            if (IsFree(port))
                return port;
        }
    }

    private static bool IsFree(int port)
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Any, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }
}
