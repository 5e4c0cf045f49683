namespace Bal.EndToEnd.Harness;

/// <summary>Ports of the loopback interface, chosen by the kernel.</summary>
internal static class Ports
{
    private static readonly HashSet<int> Given = [];

    /// <summary>A port that nobody listens on and that this process has not been given before.</summary>
    public static int Free()
    {
        while (true)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            var port = ((IPEndPoint)socket.LocalEndPoint!).Port;
            lock (Given)
            {
                if (Given.Add(port))
                    return port;
            }
        }
    }
}
