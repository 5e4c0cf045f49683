namespace Bal.EndToEnd.Failover;

/// <summary>
/// Backends by name. Each bal sees an /etc/hosts of its own, in a mount namespace: as root by unshare -m, else with a
/// user namespace; where the kernel allows neither, these tests fail and say so.
/// </summary>
public sealed class NameTests(ITestOutputHelper output)
{
    private const string Name = "db.bal-test.example";

    [Fact]
    public async Task A_name_that_moves_is_followed_and_keeps_its_last_good_address_while_it_does_not_resolve()
    {
        await using var here = Saying("1", "127.0.0.2", 0);
        await using var there = Saying("2", "127.0.0.3", here.Port);
        await using var bal = new BalInstance(output, new BalFile(Ports.Free(), $"{Name}:{here.Port}"));
        await StartWith(bal, $"127.0.0.2 {Name}\n");
        Assert.Equal("1", await Answer(bal));

        // A name server that fails, for now; a reload looks again at once.
        await Hosts(bal, "127.0.0.1 localhost\n");
        (await bal.Run("graceful")).Succeeds();
        await Eventually.Holds("the failed lookup is logged", () => bal.LogLines().Any(l =>
            l.Contains("name_unresolved", StringComparison.Ordinal)
            && l.Contains("last good address", StringComparison.Ordinal)));
        Assert.Equal("1", await Answer(bal));

        await Hosts(bal, $"127.0.0.3 {Name}\n");
        (await bal.Run("graceful")).Succeeds();
        await Eventually.See("the new address is used", () => Answer(bal), answer => answer == "2");
        var status = await bal.Status();
        Assert.Equal($"{Name}:{here.Port}", Assert.Single(status.Backends).Address);
        Assert.True(status.Connections >= 3, "the counters belong to the name, whatever its address");
    }

    [Fact]
    public async Task A_name_that_begins_to_resolve_after_the_start_is_used_then()
    {
        await using var backend = Saying("1", "127.0.0.1", 0);
        await using var bal = new BalInstance(output, new BalFile(Ports.Free(), $"{Name}:{backend.Port}"));
        await StartWith(bal, "127.0.0.1 localhost\n");
        Assert.Null(await bal.ConnectUnlessReset());
        await Hosts(bal, $"127.0.0.1 {Name}\n");
        // Nobody reloads: bal asks again by itself after 5 s.
        await bal.SeeStatus("the name is reachable", s => s.Reachable == 1);
        Assert.Equal("1", await Answer(bal));
    }

    [Theory]
    [InlineData("::1", "127.0.0.1")]
    [InlineData("127.0.0.9", "::1")]
    [InlineData("127.0.0.9", "127.0.0.1")]
    public async Task Of_several_addresses_the_one_that_answers_is_used_and_the_other_is_no_failure(string a, string b)
    {
        await using var backend = Saying("1", b, 0);
        await using var bal = new BalInstance(output, new BalFile(Ports.Free(), $"{Name}:{backend.Port}"));
        await StartWith(bal, $"{a} {Name}\n{b} {Name}\n");
        await bal.SeeStatus("the name is reachable", s => s.Reachable == 1);
        for (var i = 0; i < 10; i++)
            Assert.Equal("1", await Answer(bal));
        var status = await bal.Status();
        Assert.Equal((10, 0), (status.Backends[0].Total, status.Backends[0].Refused));
    }

    private static TestBackend Saying(string word, string address, int port) => new(
        (socket, _) =>
            socket.Write(System.Text.Encoding.ASCII.GetBytes(word)), at: new(IPAddress.Parse(address), port));

    private static async Task<string> Answer(BalInstance bal)
    {
        using var client = await bal.Connect();
        return System.Text.Encoding.ASCII.GetString(await client.Read(1));
    }

    // Written in place: a bind mount shows the file that it was made of, not one that is renamed over it.
    private static Task Hosts(BalInstance bal, string text) =>
        File.WriteAllTextAsync(Path.Combine(bal.Home, "hosts"), text);

    private static async Task StartWith(BalInstance bal, string hosts)
    {
        await Hosts(bal, hosts);
        var unshare = Posix.IsRoot ? "unshare -m" : "unshare -rm";
        var inside = $"mount --bind {bal.Home}/hosts /etc/hosts && exec \"$BAL\" start -d";
        (await bal.Shell($"exec {unshare} bash -c '{inside}'")).Succeeds();
    }
}
