using Bal.EndToEnd.Servers;

namespace Bal.EndToEnd.Balancing;

/// <summary>
/// Web servers as their operators run them: shares by weight, a server that is taken out for an update, one that says
/// sorry when no other is left, and a limit for those that answer only so many requests at once.
/// </summary>
public sealed class HttpPoolTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Servers_share_by_weight_are_updated_one_by_one_and_the_backup_says_sorry_when_none_is_left()
    {
        var (first, second) = (Ports.Free(), Ports.Free());
        await using var large = await Site(first, "large");
        await using var small = await Site(second, "small");
        var sorryPort = Ports.Free();
        await using var sorry = await Site(sorryPort, "sorry");
        var file = BalFile.For(first, second, sorryPort) with { Weights = [3, 1], Backups = 1 };
        await using var bal = await BalInstance.Healthy(output, file);

        Assert.Equal((30, 10, 0), await Answers(file.Port, 40));

        // The update of one server: no request is lost before, while or after it is away.
        var address = $"127.0.0.1:{second}";
        (await bal.Run("drain", address, "--wait", "--timeout", "30")).Succeeds();
        await small.DisposeAsync();
        Assert.Equal((20, 0, 0), await Answers(file.Port, 20));
        await using var updated = await Site(second, "small");
        await bal.SeeStatus("it is up", s => s.Of(address).Reachable);
        (await bal.Run("enable", address)).Succeeds();
        Assert.Equal((15, 5, 0), await Answers(file.Port, 20));

        await large.DisposeAsync();
        await updated.DisposeAsync();
        await bal.SeeStatus("both are down", s => s.Backends.Count(b => b.State == "down") == 2);
        Assert.Equal((0, 0, 10), await Answers(file.Port, 10));

        await using var back = await Site(first, "large");
        await bal.SeeStatus("one is up", s => s.Of($"127.0.0.1:{first}").Reachable);
        Assert.Equal((10, 0, 0), await Answers(file.Port, 10));
    }

    [Fact]
    public async Task A_server_that_answers_two_at_once_gets_two_at_once_and_the_others_wait()
    {
        var port = Ports.Free();
        await using var nginx = await Nginx.Start("", $$"""
            limit_conn_zone $server_port zone=everybody:1m;
            server {
              listen 127.0.0.1:{{port}};
              location / { limit_conn everybody 2; limit_rate 512k; root .; }
            }
            """, port);
        await File.WriteAllBytesAsync(nginx.In("page"), Wire.Random(64_000, seed: 3));
        var file = BalFile.For(port).With("queue_timeout_ms", 60_000) with { MaxConnections = 2 };
        await using var bal = await BalInstance.Healthy(output, file);

        Assert.Contains("503", await Together(port));
        Assert.All(await Together(file.Port), code => Assert.Equal("200", code));
        Assert.Equal(12, (await bal.Status()).Of($"127.0.0.1:{port}").Total);
    }

    private static Task<Nginx> Site(int port, string name) => Nginx.Start("", $$"""
        server {
          listen 127.0.0.1:{{port}};
          location / { return 200 "{{name}}\n"; }
        }
        """, port);

    /// <summary>How many requests each server answered, each on a connection of its own; all of them succeed.</summary>
    private static async Task<(int Large, int Small, int Sorry)> Answers(int port, int requests)
    {
        var answers = (await Command.Run("curl", ["-sSf", "-H", "Connection: close",
            .. Enumerable.Repeat($"http://127.0.0.1:{port}/", requests)])).Succeeds().Out.Split('\n');
        return (answers.Count(a => a == "large"), answers.Count(a => a == "small"), answers.Count(a => a == "sorry"));
    }

    /// <summary>The codes of twelve answers that are asked for at once.</summary>
    private static async Task<string[]> Together(int port)
    {
        var codes = (await Command.Run("curl", ["-sS", "-H", "Connection: close", "-w", "%{http_code}\n",
            "--parallel", "--parallel-immediate", "--parallel-max", "12",
            .. Enumerable.Repeat(new[] { "-o", "/dev/null", $"http://127.0.0.1:{port}/page" }, 12).SelectMany(a => a)]))
            .Succeeds().Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(12, codes.Length);
        return codes;
    }
}
