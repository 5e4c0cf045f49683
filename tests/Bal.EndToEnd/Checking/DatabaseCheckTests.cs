using System.Globalization;
using Bal.EndToEnd.Servers;

namespace Bal.EndToEnd.Checking;

/// <summary>PostgreSQL and MariaDB asked by the samples.</summary>
public sealed class DatabaseCheckTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_standby_accepts_clients_and_is_down_for_a_service_that_wants_the_primary_until_it_is_promoted()
    {
        await using var pair = await PostgresPair.Start();
        string[] both = [$"127.0.0.1:{pair.Primary}", $"127.0.0.1:{pair.Standby}"];
        await using var any = await BalInstance.Healthy(output, CheckSample.Of("postgres", both, interval: 200));
        await using var bal = await BalInstance.Started(
            output, CheckSample.Of("postgres-primary", both, interval: 200));
        await bal.SeeStatus("the primary alone is up", s =>
            s.Of(both[0]).State == "up" && s.Of(both[1]).LastFailure == "wrong_answer");
        Assert.Contains(
            @"expected in_hot_standby\x00off\x00, got", (await bal.Run("explain", "backend", "2")).Out,
            StringComparison.Ordinal);

        await pair.StopPrimary();
        await pair.Promote();

        await bal.SeeStatus("the promoted one is up", s =>
            s.Of(both[1]).State == "up" && s.Of(both[0]) is { State: "down", LastFailure: "refused" });
    }

    [Fact]
    public async Task A_server_that_does_not_accept_clients_yet_does_not_pass_for_one_that_serves()
    {
        await using var pair = await PostgresPair.Start();
        // It replays what comes from the primary and answers every client with an error, as one does that starts up.
        await pair.RestartStandby("hot_standby=off");
        var standby = $"127.0.0.1:{pair.Standby}";
        await using var bal = await BalInstance.Started(output, CheckSample.Of("postgres", [standby], interval: 200));

        var status = await bal.SeeStatus("it answers wrongly", s => s.Backends[0].LastFailure == "wrong_answer");

        Assert.Equal("down", status.Backends[0].State);
        Assert.Contains("not accepting connections", (await bal.Run("status")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Patroni_says_who_the_primary_is_by_the_status_of_its_answer()
    {
        await using var pair = await PostgresPair.Start();
        var (first, rest) = (Ports.Free(), $"{Path.GetTempPath()}/bal-e2e-{Guid.NewGuid():N}");
        // What Patroni would answer; another address of the same machine stands for another machine.
        await using var patroni = await Nginx.Start("",
            $"server {{ listen 127.0.0.1:{first}; return 200 'primary'; }} "
            + $"server {{ listen 127.0.0.2:{first}; location / {{ if (-f {rest}) {{ return 200; }} return 503; }} }}",
            first);
        await using var bal = await BalInstance.Started(output, CheckSample.Of(
            "patroni", [$"127.0.0.1:{pair.Primary}", $"127.0.0.2:{pair.Standby}"], port: first, interval: 200));
        await bal.SeeStatus("the primary alone is up", s =>
            s.Backends[0].State == "up" && s.Backends[1].LastFailure == "wrong_answer");
        Assert.Contains(
            "expected HTTP status 200, got HTTP/1.1 503 Service", (await bal.Run("status")).Out,
            StringComparison.Ordinal);

        await File.WriteAllTextAsync(rest, "");
        await bal.SeeStatus("both are up", s => s.Reachable == 2);
        File.Delete(rest);
        Assert.DoesNotContain("[error]", patroni.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MariaDB_sees_a_login_and_a_quit_and_never_blocks_bal()
    {
        const int Checks = 40;
        await using var server = await MariaDbServer.Start(maxConnectErrors: 10);
        await using var bal = new BalInstance(output, CheckSample.Of(
            "mariadb", [$"{MariaDbServer.Address}:{server.Port}"], interval: 20));
        await server.Space.StartBal(bal);
        var seen = new HashSet<string>();
        await bal.SeeStatus($"{Checks} checks have ended well", s =>
            seen.Add(s.Root.GetProperty("last_check_time").GetString() ?? "") && seen.Count > Checks,
            TimeSpan.FromSeconds(60));

        Assert.Equal("up", (await bal.Status()).Backends[0].State);
        Assert.Equal(0, await Count("Aborted_connects"));
        Assert.Equal(0, await Count("Aborted_clients"));

        async Task<long> Count(string what) => long.Parse(
            (await server.Query(bal.File.Port, $"SHOW GLOBAL STATUS LIKE '{what}'")).Succeeds().Out.Split('\t')[1],
            CultureInfo.InvariantCulture);
    }
}
