namespace Bal.EndToEnd.Limits;

/// <summary>A log that stalls, fills or breaks never stalls the proxy.</summary>
public sealed class StalledLogTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("mkfifo \"$BAL_HOME/full\"; exec \"$BAL\" start 2<>\"$BAL_HOME/full\"")] // nobody reads it
    [InlineData("exec \"$BAL\" start 2>/dev/full")]
    [InlineData("exec \"$BAL\" start 2>&-")]
    [InlineData("\"$BAL\" start 2> >(exec true)")] // the reader has gone
    public async Task Clients_are_served_whatever_becomes_of_the_log(string start)
    {
        // Each client that meets the refusal makes a line of the log.
        await using var refusing = Serving.Echo();
        await using var alive = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(refusing, alive)
            .With("failover_backoff_initial_ms", 1).With("failover_backoff_max_ms", 1).With("backend_cooldown_ms", 0)
            .With("health_check_interval_ms", 600_000).With("health_check_fail_threshold", 1_000_000)
            .With("protection_trigger_threshold", 1_000_000));
        var process = bal.ShellInBackground(start);
        await Eventually.Holds("it serves", () => File.Exists(bal.PidPath) && new FileInfo(bal.PidPath).Length > 1);
        await bal.SeeStatus("both are up", s => s.Root.GetProperty("last_check_time").GetString() is not null);
        refusing.Refuse();

        // A refusal costs the backend 1 ms of backoff, so how many clients it takes is a matter of the machine's speed.
        await Eventually.See("enough refusals to fill what the log goes to", async () =>
        {
            for (var i = 0; i < 100; i++)
                await bal.Exchange();
            return (await bal.Status()).Of(refusing.Address).Refused;
        }, refused => refused >= 100);
        (await bal.Run("stop")).Succeeds();
        await process.End();
    }
}
