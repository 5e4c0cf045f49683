using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Bal.Cli.Demo;

/// <summary>
/// Clients that keep asking through the balancer, a new connection each time, and count who answered.
/// </summary>
internal sealed class DemoClients(IPEndPoint balancer)
{
    private const int Clients = 4;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Lock gate = new();
    private readonly SortedDictionary<string, int> served = [];
    private int failed;

    /// <summary>Answers by backend and failures since the last call.</summary>
    public (IReadOnlyDictionary<string, int> Served, int Failed) Take()
    {
        lock (gate)
        {
            var taken = (new SortedDictionary<string, int>(served), failed);
            served.Clear();
            failed = 0;
            return taken;
        }
    }

    /// <summary>Asks until cancelled; each request that has begun ends.</summary>
    public Task RunAsync(CancellationToken cancel) =>
        Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => AskAsync(cancel)));

    private async Task AskAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            var name = await OnceAsync();
            lock (gate)
            {
                if (name.Length > 0)
                    served[name] = served.GetValueOrDefault(name) + 1;
                else
                    failed++;
            }

            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    private async Task<string> OnceAsync()
    {
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(balancer, patience.Token);
            await socket.SendAsync("GET / HTTP/1.1\r\nHost: demo\r\n\r\n"u8.ToArray(), patience.Token);
            var answer = new StringBuilder();
            var buffer = new byte[4096];
            int read;
            while ((read = await socket.ReceiveAsync(buffer, patience.Token)) > 0)
                answer.Append(Encoding.ASCII.GetString(buffer, 0, read));
            var text = answer.ToString();
            var name = text.LastIndexOf("hello from ", StringComparison.Ordinal);
            return name < 0 ? "" : text[(name + "hello from ".Length)..].TrimEnd();
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return "";
        }
    }
}
