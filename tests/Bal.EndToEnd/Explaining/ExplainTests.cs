using System.Text.Json;

namespace Bal.EndToEnd.Explaining;

/// <summary>An operator asks why, and the running daemon says which events and thresholds led there.</summary>
public sealed class ExplainTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_killed_backend_is_explained_with_what_took_it_out_and_what_brings_it_back()
    {
        await using var stays = Serving.Echo();
        await using var killed = Serving.Echo();
        await using var bal = await BalInstance.Started(output, BalFile.For(stays, killed));
        await See(bal, "both checked", "explain", e => e.GetProperty("backends").EnumerateArray().All(Checked));

        killed.Kill();
        var down = await See(bal, "down", $"explain backend {killed.Address}", e => StateOf(e) == "down");

        var backend = Only(down);
        var health = backend.GetProperty("health");
        var outage = health.GetProperty("last_outage");
        Assert.Equal((2, killed.Address),
            (backend.GetProperty("position").GetInt32(), backend.GetProperty("address").GetString()));
        Assert.Equal(
            (2, 2, 1), (Int(outage, "failures"), Int(outage, "fail_threshold"), Int(health, "successes_to_up")));
        var cause = Assert.Single(outage.GetProperty("cause").EnumerateArray());
        Assert.Equal(("probe", "refused", 2), (Text(cause, "source"), Text(cause, "kind"), Int(cause, "count")));

        var told = (await bal.Run("explain", "backend", "2")).Succeeds().Out;
        Assert.Matches(@"why: out since [0-9:]+Z after 2 of 2 failed checks \(2 probes refused\)\n", told);
        Assert.Matches(@"next: (probe (in [0-9.]+ m?s|now)|a probe is under way); 1 success brings it back\n", told);

        killed.Revive();
        var up = await See(bal, "up again", $"explain backend {killed.Address}", e => StateOf(e) == "up");
        Assert.NotNull(Only(up).GetProperty("health").GetProperty("last_outage").GetProperty("until").GetString());
        Assert.Contains(Only(up).GetProperty("history").EnumerateArray(), e => Text(e, "what") == "came_up");
        Assert.Contains(
            "last outage: ", (await bal.Run("explain", "backend", "2")).Succeeds().Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_backend_that_recovers_is_explained_with_the_successes_that_are_left()
    {
        // One that was never reached would be up at its first success.
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).WithRareProbes()
            .With("health_check_fail_threshold", 1).With("health_check_success_threshold", 3));
        backend.Refuse();
        (await bal.ConnectUnlessReset())?.Dispose();
        await See(bal, "found down", "explain backend 1", e => StateOf(e) == "down");

        backend.Revive();
        foreach (var left in (int[])[2, 1])
        {
            await bal.Exchange();
            await See(bal, $"{left} to go", "explain backend 1", e => StateOf(e) == "down"
                && Int(Only(e).GetProperty("health"), "successes_to_up") == left);
        }

        await bal.Exchange();
        await See(bal, "up", "explain backend 1", e => StateOf(e) == "up");
    }

    [Fact]
    public async Task Protection_that_a_storm_tripped_is_explained_with_the_counts()
    {
        const int Trigger = 5;
        await using var refusing = Serving.Echo();
        await using var alive = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(refusing, alive).WithRareProbes()
            .With("failover_backoff_initial_ms", 1).With("failover_backoff_max_ms", 1).With("backend_cooldown_ms", 0)
            .With("health_check_fail_threshold", 1_000_000)
            .With("protection_trigger_threshold", Trigger).With("protection_stable_success_threshold", 4));
        var off = Protection(await See(bal, "off", "explain protection", _ => true));
        Assert.Equal((false, Trigger), (off.GetProperty("enabled").GetBoolean(), Int(off, "failures_to_on")));

        refusing.Refuse();
        var on = Protection(await See(bal, "tripped", "explain protection", e => IsOn(e), bal.Exchange));

        var by = on.GetProperty("tripped_by");
        Assert.Equal("timeout_or_refused_storm", Text(on, "reason"));
        Assert.Equal((Trigger, 30_000), (Int(by, "trigger_threshold"), Int(by, "window_ms")));
        Assert.InRange(Int(by, "failures"), Trigger, 2 * Trigger);
        Assert.Matches(
            $@"why: on since [0-9:]+Z: {Int(by, "failures")} of {Trigger} failed client connects " +
                @"\(timeout or refused\) within 30 s",
            (await bal.Run("explain", "protection")).Succeeds().Out);

        refusing.Revive();
        var again = await See(bal, "off again", "explain protection", e => !IsOn(e), bal.Exchange);
        Assert.Equal(
            new[] { "turned_on", "turned_off" },
            Protection(again).GetProperty("history").EnumerateArray().Select(e => Text(e, "what"))
                .Where(w => w != "started_over"));
    }

    [Fact]
    public async Task A_backend_that_cools_is_explained_with_the_arithmetic_of_its_cooldown()
    {
        await using var refusing = Serving.Echo();
        await using var alive = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(refusing, alive).WithRareProbes()
            .With("failover_backoff_initial_ms", 60_000).With("failover_backoff_max_ms", 90_000)
            .With("health_check_fail_threshold", 3));
        refusing.Refuse();

        var cooling = await See(bal, "cools", "explain backend 1", e => StateOf(e) == "cooling", bal.Exchange);

        var cooldown = Only(cooling).GetProperty("cooldown");
        Assert.Equal((60_000, "backoff", 1),
            (Int(cooldown, "backoff_ms"), Text(cooldown, "decided_by"), Int(cooldown, "streak")));
        Assert.InRange(Int(cooldown, "left_ms"), 1, 60_000);
        Assert.Contains("cooldown: backoff 1 min 0 s x 2^0 = 1 min 0 s applies",
            (await bal.Run("explain", "backend", "1")).Succeeds().Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_limit_that_is_reached_is_in_the_overview()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(
            output, BalFile.For(backend).With("max_concurrent_connections", 1));
        using var client = await bal.Connect();

        var full = await See(bal, "full", "explain", e => Int(e.GetProperty("connections"), "left") == 0);

        Assert.Equal(
            (1, 1), (Int(full.GetProperty("connections"), "active"), Int(full.GetProperty("connections"), "limit")));
        Assert.Contains("connections: 1 of 1: the limit is reached, new clients are rejected",
            (await bal.Run("explain")).Succeeds().Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_near_miss_is_answered_with_the_backend_that_was_meant_and_the_list()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        await using var bal = await BalInstance.Started(output, BalFile.For(one, two));

        var missed = (await bal.Run("explain", "backend", two.Address[..^1])).FailsWith(1);

        Assert.Contains($"the backends are {one.Address}, {two.Address}", missed.Out, StringComparison.Ordinal);
        Assert.Contains("did you mean 127.0.0.1:", missed.Out, StringComparison.Ordinal);
        (await bal.Run("explain", "backend", "3")).FailsWith(1);
        var json = (await bal.Run("explain", "backend", "nobody", "--json")).FailsWith(1);
        Assert.Equal("unknown_backend", Text(JsonDocument.Parse(json.Out).RootElement.GetProperty("problem"), "code"));
    }

    private static async Task<JsonElement> See(
        BalInstance bal, string what, string words, Func<JsonElement, bool> condition, Func<Task>? meanwhile = null) =>
        await Eventually.See(what, async () =>
        {
            if (meanwhile is not null)
                await meanwhile();
            return JsonDocument.Parse((await bal.Run([.. words.Split(' '), "--json"])).Succeeds().Out).RootElement;
        }, condition);

    private static bool Checked(JsonElement backend) =>
        Int(backend.GetProperty("health"), "failures") == 0
        && backend.GetProperty("check").GetProperty("last_ended_at").ValueKind == JsonValueKind.String;

    private static JsonElement Only(JsonElement explained) =>
        Assert.Single(explained.GetProperty("backends").EnumerateArray());

    private static string? StateOf(JsonElement explained) => Text(Only(explained), "state");

    private static JsonElement Protection(JsonElement explained) => explained.GetProperty("protection_mode");

    private static bool IsOn(JsonElement explained) => Protection(explained).GetProperty("enabled").GetBoolean();

    private static int Int(JsonElement json, string name) => json.GetProperty(name).GetInt32();

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();
}
