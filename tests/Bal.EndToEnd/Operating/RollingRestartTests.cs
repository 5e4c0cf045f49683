using System.Text.RegularExpressions;
using Bal.EndToEnd.Servers;

namespace Bal.EndToEnd.Operating;

/// <summary>
/// The rolling restart of docs/operations.md: three servers are restarted one after the other while clients ask all the
/// time, and no request fails.
/// </summary>
public sealed partial class RollingRestartTests(ITestOutputHelper output)
{
    private const int Clients = 6;

    [Fact]
    public async Task Three_backends_are_restarted_under_load_and_no_request_fails()
    {
        await using var one = await RedisServer.Start();
        await using var two = await RedisServer.Start();
        await using var three = await RedisServer.Start();
        RedisServer[] servers = [one, two, three];
        await using var bal = await BalInstance.Healthy(output, BalFile.For([.. servers.Select(s => s.Port)]));
        await using var load = new Asking(bal);
        for (var round = 0; round < 2; round++)
        {
            foreach (var server in servers)
            {
                var address = $"127.0.0.1:{server.Port}";
                (await bal.Run("drain", address, "--wait", "--timeout", "30")).Succeeds();
                await server.Kill();
                await server.Revive();
                await bal.SeeStatus($"{address} is up", s => s.Of(address).Reachable);
                (await bal.Run("enable", address)).Succeeds();
                await load.GoesOn();
            }
        }

        output.WriteLine($"{await load.End()} requests were answered");
        Assert.All((await bal.Status()).Backends, b => Assert.Equal("up", b.State));
    }

    [Fact]
    public async Task The_script_of_the_documentation_does_it()
    {
        await using var one = await RedisServer.Start();
        await using var two = await RedisServer.Start();
        await using var three = await RedisServer.Start();
        RedisServer[] servers = [one, two, three];
        await using var bal = await BalInstance.Healthy(output, BalFile.For([.. servers.Select(s => s.Port)]));
        await using var load = new Asking(bal);
        await load.GoesOn();
        var page = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "operations.md"));
        var script = Block().Match(page).Groups[1].Value.Replace(
            "10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8080",
            string.Join(' ', servers.Select(s => $"127.0.0.1:{s.Port}")), StringComparison.Ordinal);
        try
        {
            // What stands for 'systemctl restart' on the host of a backend.
            (await bal.Shell($$"""
                bal() { "$BAL" "$@"; }
                ssh() {
                  local port="${backend##*:}"
                  redis-cli -p "$port" shutdown nosave
                  until redis-cli -p "$port" ping 2>/dev/null | grep -q PONG; do
                    redis-server --port "$port" --bind 127.0.0.1 --save "" --daemonize yes >/dev/null
                    sleep 0.1
                  done
                }
                {{script}}
                """)).Succeeds();
            await load.GoesOn();
            output.WriteLine($"{await load.End()} requests were answered");
            Assert.All((await bal.Status()).Backends, b => Assert.Equal("up", b.State));
        }
        finally
        {
            foreach (var server in servers)
                await RedisServer.Cli(server.Port, "SHUTDOWN", "NOSAVE");
        }
    }

    [GeneratedRegex("```bash\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    /// <summary>Clients that ask all the time, on connections of several lengths.</summary>
    private sealed class Asking : IAsyncDisposable
    {
        private readonly CancellationTokenSource over = new();
        private readonly Task[] clients;
        private int answered;

        public Asking(BalInstance bal) => clients = [.. Enumerable.Range(0, Clients).Select(i => Ask(bal, i))];

        /// <summary>Waits until more requests have been answered; an error of any client shows here.</summary>
        public async Task GoesOn()
        {
            var until = Volatile.Read(ref answered) + 200;
            await Eventually.Holds("clients are served", () =>
                Volatile.Read(ref answered) > until || clients.Any(c => c.IsFaulted));
            await Task.WhenAll(clients.Where(c => c.IsFaulted));
        }

        /// <summary>Ends them; how many requests were answered. Every one has to be.</summary>
        public async Task<int> End()
        {
            await over.CancelAsync();
            await Task.WhenAll(clients);
            return answered;
        }

        public async ValueTask DisposeAsync()
        {
            await over.CancelAsync();
            over.Dispose();
        }

        private async Task Ask(BalInstance bal, int number)
        {
            while (!over.IsCancellationRequested)
            {
                using var client = await bal.Connect();
                for (var request = 0; request < 3 + number * 10; request++)
                {
                    await client.Write("PING\r\n"u8.ToArray());
                    Assert.Equal("+PONG\r\n"u8.ToArray(), await client.Read(7));
                    Interlocked.Increment(ref answered);
                }

                client.Shutdown(SocketShutdown.Send);
                Assert.Equal(Ending.Fin, (await client.ReadToEnd()).Ending);
            }
        }
    }
}
