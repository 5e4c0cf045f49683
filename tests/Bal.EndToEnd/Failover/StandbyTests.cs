using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Bal.EndToEnd.Servers;

namespace Bal.EndToEnd.Failover;

/// <summary>
/// A PostgreSQL primary and its standby as docs/operations.md has them: the primary is stopped and the standby promoted
/// while clients write.
/// </summary>
public sealed partial class StandbyTests(ITestOutputHelper output)
{
    private const int Writers = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task No_write_reaches_the_standby_before_the_primary_is_down_and_none_that_was_acknowledged_is_lost()
    {
        await using var postgres = await PostgresPair.Start();
        await using var bal = await BalInstance.Healthy(
            output, BalFile.For(postgres.Primary, postgres.Standby) with { Backups = 1, OpenConnections = "reset" });
        var standby = $"127.0.0.1:{postgres.Standby}";
        using var idle = await Session(bal);
        using var end = new CancellationTokenSource();
        var writing = Write(bal.File.Port, Path.Combine(bal.Home, "write.sql"), end.Token);
        await Rows(postgres.Primary, "clients write", rows => rows > 500);
        Assert.Equal(0, (await bal.Status()).Of(standby).Total);
        Assert.Empty(postgres.ConnectionsToStandby());

        await postgres.StopPrimary();

        var status = await bal.SeeStatus("the primary is down", s => s.Of(standby).Total > 0);
        // A client that does not look at its connection would have kept it.
        await bal.SeeStatus("the idle session was reset", s => Ended(s, "backend_down") > 0);
        Assert.Equal(0, (await bal.Status()).Of($"127.0.0.1:{postgres.Primary}").Active);
        await postgres.Promote();
        var before = await Rows(postgres.Standby, "the standby answers", _ => true);
        await Rows(postgres.Standby, "clients go on writing", rows => rows > before + 500);
        await end.CancelAsync();
        var written = await writing;

        var rows = await Rows(postgres.Standby, "they are counted", _ => true);
        output.WriteLine($"{written.Acknowledged} rows acknowledged, {rows} there; {written.Runs} runs of pgbench, "
            + $"{written.Interrupted} interrupted");
        // The answer to the last commit of each client may have been lost with its connection.
        Assert.InRange(rows, written.Acknowledged, written.Acknowledged + written.Interrupted * Writers);
        var down = Logged(bal, "backups_in_use");
        Assert.All(postgres.ConnectionsToStandby(), came => Assert.True(
            came >= down.AddMilliseconds(-1), $"a connection came at {came:O}, the primary was down at {down:O}"));
        Assert.True(status.Root.GetProperty("services")[0].GetProperty("backups_in_use").GetInt32() == 1, $"{status}");
        Assert.Contains("new clients go to 1 backup since", (await bal.Run("status")).Out, StringComparison.Ordinal);
    }

    /// <summary>pgbench again and again: it ends when a connection does, as an application's worker would.</summary>
    private static async Task<Written> Write(int port, string file, CancellationToken end)
    {
        await File.WriteAllTextAsync(
            file, "INSERT INTO rows (client, number) VALUES (:client_id, 1);\n", CancellationToken.None);
        var written = new Written(0, 0, 0);
        while (!end.IsCancellationRequested)
        {
            var run = await PostgresServer.Client(
                "pgbench", port, "-n", "-f", file, "-c", $"{Writers}", "-j", "1", "-t", "200");
            var done = Processed().Match(run.Out);
            var rows = done.Success ? long.Parse(done.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
            written = new(
                written.Acknowledged + rows,
                written.Runs + 1,
                written.Interrupted + (run.ExitCode == 0 ? 0 : 1));
            // Nobody serves for a moment; a worker would not come again at once either.
            if (run.ExitCode != 0)
                await Task.Delay(20, CancellationToken.None);
        }

        return written;
    }

    private static Task<long> Rows(int port, string what, Func<long, bool> condition) =>
        Eventually.See(what, () => Rows(port), rows => rows >= 0 && condition(rows), Patience);

    // Negative where nobody answers.
    private static async Task<long> Rows(int port)
    {
        var answer = await PostgresServer.Client("psql", port, "-At", "-c", "SELECT count(*) FROM rows");
        return answer.ExitCode == 0 ? long.Parse(answer.Out, CultureInfo.InvariantCulture) : -1;
    }

    /// <summary>A session that has logged in and is left alone; what becomes of it nobody looks at.</summary>
    private static async Task<Socket> Session(BalInstance bal)
    {
        var client = await bal.Connect();
        var said = Encoding.ASCII.GetBytes("user\0bal\0database\0postgres\0\0");
        // Protocol 3.0; the length includes itself.
        byte[] startup = [0, 0, 0, (byte)(said.Length + 8), 0, 3, 0, 0, .. said];
        await client.Write(startup);
        Assert.Equal("R"u8.ToArray(), await client.Read(1));
        return client;
    }

    private static long Ended(Status status, string reason) =>
        status.Root.GetProperty("terminations").GetProperty(reason).GetInt64();

    private static DateTime Logged(BalInstance bal, string name) => bal.LogLines()
        .Select(line => JsonDocument.Parse(line).RootElement)
        .First(line => line.GetProperty("event").GetString() == name)
        .GetProperty("timestamp").GetDateTimeOffset().UtcDateTime;

    [GeneratedRegex("number of transactions actually processed: ([0-9]+)")]
    private static partial Regex Processed();

    private sealed record Written(long Acknowledged, int Runs, int Interrupted);
}
