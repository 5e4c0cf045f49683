using Bal.EndToEnd.Servers;
using Bal.EndToEnd.Upgrading;

namespace Bal.EndToEnd.Checking;

/// <summary>Redis asked by the samples redis and redis-primary.</summary>
public sealed class RedisCheckTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_replica_is_up_for_PING_and_down_for_a_service_that_wants_the_primary()
    {
        await using var primary = await RedisServer.Start();
        await using var replica = await RedisServer.Start();
        await Follow(replica, primary.Port);
        await using var any = await BalInstance.Healthy(output, CheckSample.Of("redis", Both(primary, replica)));
        await using var bal = await BalInstance.Started(
            output, CheckSample.Of("redis-primary", Both(primary, replica)));

        await bal.SeeStatus("the primary alone is up", s =>
            s.Of(At(primary)).State == "up" && s.Of(At(replica)).LastFailure == "wrong_answer");
        var said = (await bal.Run("explain", $"default/{At(replica)}")).Succeeds().Out;
        Assert.Contains("expected role:master, got $", said, StringComparison.Ordinal);
        Assert.Contains("role:slave", said, StringComparison.Ordinal);
        Assert.Contains("expected role:master, got", (await bal.Run("status")).Out, StringComparison.Ordinal);
        Assert.Contains("expected role:master, got", (await bal.Run("doctor")).Out, StringComparison.Ordinal);

        // What it says may be a password, whatever it is.
        foreach (var text in new[]
        {
            said, (await bal.Run("check", "--verbose")).Out, (await bal.Run("status", "--json")).Out,
            string.Join('\n', bal.LogLines()),
        })
            Assert.DoesNotContain("INFO replication", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_session_stays_on_a_primary_that_is_demoted_and_no_client_comes_to_it_even_at_last()
    {
        await using var first = await RedisServer.Start();
        await using var second = await RedisServer.Start();
        await Follow(second, first.Port);
        await using var bal = await BalInstance.Started(output, CheckSample.Of("redis-primary", Both(first, second)));
        await bal.SeeStatus("the primary is up", s => s.Of(At(first)).State == "up");
        using var session = await bal.Connect();
        await session.Write("PING\r\n"u8.ToArray());
        Assert.Equal("+PONG\r\n"u8.ToArray(), await session.Read(7));

        (await RedisServer.Cli(second.Port, "REPLICAOF", "NO", "ONE")).Succeeds();
        (await RedisServer.Cli(first.Port, "REPLICAOF", "127.0.0.1", $"{second.Port}")).Succeeds();

        await bal.SeeStatus("the new primary is up, the old one down and without sessions", s =>
            s.Of(At(second)).State == "up" && s.Of(At(first)) is { State: "down", Active: 0 });
        await Assert.ThrowsAsync<SocketException>(() => session.Read(1));
        var before = (await bal.Status()).Of(At(first)).Total;

        // Nobody is primary any more.
        (await RedisServer.Cli(second.Port, "REPLICAOF", "127.0.0.1", $"{first.Port}")).Succeeds();
        await bal.SeeStatus("both are down", s => s.Reachable == 0);
        Assert.NotEqual(0, (await RedisServer.Cli(bal.File.Port, "PING")).ExitCode);
        Assert.Equal(before, (await bal.Status()).Of(At(first)).Total);
    }

    [Fact]
    public async Task A_stopped_server_times_out_and_comes_back()
    {
        await using var redis = await RedisServer.Start();
        await using var bal = await BalInstance.Healthy(
            output, CheckSample.Of("redis", [At(redis)], timeout: 500));
        Posix.Signal(redis.Pid, Posix.Stop);
        try
        {
            await bal.SeeStatus("it is down", s => s.Backends[0] is { State: "down", LastFailure: "timeout" });
            Assert.Contains(
                "expected +PONG, got nothing", (await bal.Run("explain", "backend", "1")).Out,
                StringComparison.Ordinal);
        }
        finally
        {
            Posix.Signal(redis.Pid, Posix.Continue);
        }

        await bal.SeeStatus("it is up again", s => s.Backends[0].State == "up");
    }

    [Theory]
    [InlineData("redis")]
    [InlineData("redis-primary")]
    public async Task A_server_that_loads_its_data_is_down(string sample)
    {
        var directory = Directory.CreateTempSubdirectory("bal-e2e-redis-").FullName;
        await using var redis = await RedisServer.Start("--dir", directory, "--dbfilename", "d.rdb");
        (await RedisServer.Cli(redis.Port, "DEBUG", "POPULATE", "2000", "key", "3000")).Succeeds();
        (await RedisServer.Cli(redis.Port, "SAVE")).Succeeds();
        await redis.Kill();
        redis.Begin("--dir", directory, "--dbfilename", "d.rdb",
            "--key-load-delay", "100000", "--loading-process-events-interval-bytes", "1024");
        await Eventually.See("it loads", () => RedisServer.Cli(redis.Port, "PING"),
            answer => answer.Out.Contains("LOADING", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
        await using var bal = await BalInstance.Started(output, CheckSample.Of(sample, [At(redis)]));

        var status = await bal.SeeStatus("it answers wrongly", s => s.Backends[0].LastFailure == "wrong_answer");

        Assert.Equal("down", status.Backends[0].State);
        Assert.Contains(
            "expected +PONG, got -LOADING Redis is loading", (await bal.Run("status")).Out, StringComparison.Ordinal);
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task A_password_in_a_file_is_used_and_handed_over_and_stands_nowhere_else()
    {
        const string Password = "correct-horse-battery-staple";
        await using var redis = await RedisServer.Start();
        (await RedisServer.Cli(redis.Port, "CONFIG", "SET", "requirepass", Password)).Succeeds();
        using var installed = new InstalledBal();
        await using var bal = new BalInstance(output) { Program = installed.Path };
        var file = CheckSample.Of("redis", [At(redis)]);
        var with = file.More.Replace(
            "  exchange:\n", "  exchange:\n    - {send_file: redis.auth, expect_start: +OK}\n",
            StringComparison.Ordinal);
        bal.Write(file with { More = with, DecisionLog = Path.Combine(bal.Home, "decisions"), LogLevel = "debug" });
        var secret = Path.Combine(bal.Home, "redis.auth");
        await File.WriteAllTextAsync(secret, $"AUTH {Password}\r\n");
        File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        (await bal.Run("start", "-d")).Succeeds();
        await bal.SeeStatus("it is up", s => s.Backends[0].State == "up");

        (await bal.Run("upgrade")).Succeeds();

        var seen = new HashSet<string>();
        await bal.SeeStatus("it is asked on, and is up", s => s.Backends[0].State == "up"
            && seen.Add(s.Root.GetProperty("last_check_time").GetString()!) && seen.Count > 3);
        // Now a wrong one: Redis quotes none of it, and bal hides what a server would quote.
        await File.WriteAllTextAsync(secret, $"{Password} AUTH\r\n");
        var changed = $"backends[{At(redis)}].health_check (what is sent) ";
        Assert.Contains(
            changed, (await bal.Run("graceful", "--dry-run")).Succeeds().Out, StringComparison.Ordinal);
        Assert.Contains(changed, (await bal.Run("graceful")).Succeeds().Out, StringComparison.Ordinal);
        await bal.SeeStatus("it is down", s => s.Backends[0].State == "down");
        foreach (var arguments in new[]
        {
            new[] { "check", "--verbose" }, ["status", "--json"], ["status"], ["explain", "backend", "1"], ["doctor"],
            ["explain", "--json"],
        })
            Assert.DoesNotContain(Password, (await bal.Run(arguments)).Out, StringComparison.Ordinal);
        (await bal.Run("stop")).Succeeds();
        foreach (var kept in Directory.GetFiles(bal.Home).Where(name => name != secret))
            Assert.DoesNotContain(Password, await File.ReadAllTextAsync(kept), StringComparison.Ordinal);
        Assert.Contains(
            "wrong_answer", await File.ReadAllTextAsync(Path.Combine(bal.Home, "decisions")), StringComparison.Ordinal);
        (await bal.Run("replay", Path.Combine(bal.Home, "decisions"))).Succeeds();
    }

    private static async Task Follow(RedisServer replica, int primary)
    {
        (await RedisServer.Cli(replica.Port, "REPLICAOF", "127.0.0.1", $"{primary}")).Succeeds();
        await Eventually.See("it follows", () => RedisServer.Cli(replica.Port, "INFO", "replication"),
            answer => answer.Out.Contains("master_link_status:up", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
    }

    private static string At(RedisServer server) => $"127.0.0.1:{server.Port}";

    private static string[] Both(RedisServer one, RedisServer other) => [At(one), At(other)];
}
