namespace Bal.EndToEnd.Balancing;

/// <summary>A backend that comes back gets its share little by little, on real connections.</summary>
public sealed class SlowStartTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Who_comes_back_gets_a_tenth_first_through_reload_and_upgrade_until_the_key_is_gone()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        // A day: nothing in this test takes as long as a step of it.
        var file = BalFile.For(one, two).With("health_check_interval_ms", 50).With("slow_start_ms", 86_400_000);
        await using var bal = await BalInstance.Healthy(output, file);
        Assert.Null(Share(await bal.Status(), two));

        two.Refuse();
        await bal.SeeStatus("it is down", s => s.Of(two.Address).State == "down");
        two.Revive();
        await bal.SeeStatus("it is back", s => s.Of(two.Address).State == "up");
        await SeeItsShare(bal, one, two);
        var explained = (await bal.Run("explain", "backend", two.Address)).Succeeds().Out;
        Assert.Matches("\nslow start: [12]0 % of its share, all of it in [0-9]+ h", explained);
        Assert.Contains(
            ", slow start: ", (await bal.Run("status", "--verbose")).Succeeds().Out, StringComparison.Ordinal);

        await bal.Reload(file.With("tcp_backlog", 512));
        await SeeItsShare(bal, one, two);
        (await bal.Run("upgrade")).Succeeds();
        await SeeItsShare(bal, one, two);

        await bal.Reload(file.With("slow_start_ms", 0));
        Assert.Null(Share(await bal.Status(), two));
        Assert.Equal((5, 5), await Served(bal, one, two, 10));
    }

    [Fact]
    public async Task With_time_it_has_all_of_its_share()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        var file = BalFile.For(one, two).With("health_check_interval_ms", 50).With("slow_start_ms", 400);
        await using var bal = await BalInstance.Healthy(output, file);
        two.Refuse();
        await bal.SeeStatus("it is down", s => s.Of(two.Address).State == "down");
        two.Revive();
        await bal.SeeStatus("it has all of its share", s =>
            s.Of(two.Address).State == "up" && Share(s, two) is null);

        Assert.Equal((5, 5), await Served(bal, one, two, 10));
        Assert.Contains(bal.LogLines(), line =>
            line.Contains("it gets a tenth of its share first, all of it within 400 ms", StringComparison.Ordinal));
    }

    // Exact over as many clients as the weights sum to, with the share of that moment.
    private static Task SeeItsShare(BalInstance bal, TestBackend one, TestBackend two) => Eventually.See(
        "the clients are shared as the status says", async () =>
        {
            var before = Share(await bal.Status(), two);
            Assert.InRange(before ?? 100, 10, 20);
            var served = await Served(bal, one, two, 2 * (10 + (before!.Value / 10)));
            var after = Share(await bal.Status(), two);
            // A step in between is one in many hours.
            return before == after && served == (20, 2 * before.Value / 10);
        },
        shared => shared);

    private static async Task<(long One, long Two)> Served(
        BalInstance bal, TestBackend one, TestBackend two, int clients)
    {
        var before = await bal.Status();
        for (var i = 0; i < clients; i++)
            _ = await bal.Exchange();
        var after = await bal.Status();
        return (after.Of(one.Address).Total - before.Of(one.Address).Total,
            after.Of(two.Address).Total - before.Of(two.Address).Total);
    }

    private static int? Share(Status status, TestBackend backend) =>
        status.Of(backend.Address).SlowStart is { ValueKind: System.Text.Json.JsonValueKind.Object } start
            ? start.GetProperty("share_percent").GetInt32()
            : null;
}
