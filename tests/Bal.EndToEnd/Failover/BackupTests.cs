using System.Text;
using Bal.EndToEnd.Upgrading;

namespace Bal.EndToEnd.Failover;

/// <summary>
/// Backups, and connections that end when a backend goes down or a primary is back (docs/behaviour.md, Backups).
/// </summary>
public sealed class BackupTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("reset")]
    [InlineData("keep")]
    public async Task Clients_go_to_the_backup_while_the_primary_is_down_and_back_when_it_is_up(string fate)
    {
        await using var primary = Serving.Named("P");
        await using var backup = Serving.Named("B");
        await using var bal = await BalInstance.Healthy(
            output, BalFile.For(primary, backup) with { Backups = 1, OpenConnections = fate });
        for (var i = 0; i < 10; i++)
            Assert.Equal("P", await Served(bal));
        using var before = await bal.Connect();
        await before.Read(1);

        primary.Refuse();
        await bal.SeeStatus("the primary is down", s => s.Of(primary.Address).State == "down");
        using var during = await bal.Connect();
        Assert.Equal("B"u8.ToArray(), await during.Read(1));
        await Becomes(bal, "backend_down", before, fate);
        Assert.Contains("overall: WARN", (await bal.Run("status")).Out, StringComparison.Ordinal);
        Assert.Contains("used: no primary is left",
            (await bal.Run("explain", backup.Address)).Succeeds().Out, StringComparison.Ordinal);

        primary.Revive();
        await bal.SeeStatus("the primary is up", s => s.Of(primary.Address).State == "up");
        Assert.Equal("P", await Served(bal));
        await Becomes(bal, "primary_up", during, fate);
        Assert.Contains(bal.LogLines(), l => l.Contains("backups_not_in_use", StringComparison.Ordinal));
        Assert.Contains("not used while a primary serves",
            (await bal.Run("explain", backup.Address)).Succeeds().Out, StringComparison.Ordinal);
        Assert.Equal(1, (await bal.Status()).Root.GetProperty("backends").EnumerateArray()
            .Count(b => b.GetProperty("backup").GetBoolean()));
    }

    [Fact]
    public async Task A_replaced_process_resets_the_connections_of_a_backend_that_goes_down_after_the_upgrade()
    {
        await using var primary = Serving.Named("P");
        await using var backup = Serving.Named("B");
        using var installed = new InstalledBal();
        await using var bal = await BalInstance.Healthy(
            output, BalFile.For(primary, backup) with { Backups = 1, OpenConnections = "reset" }, installed.Path);
        using var open = await bal.Connect();
        await open.Read(1);
        var old = bal.Pid;
        (await bal.Run("upgrade")).Succeeds();
        await bal.SeeStatus("the old process has the connection", s => s.Previous.SequenceEqual([(old, 1L)]));

        primary.Refuse();

        Assert.Equal(Ending.Reset, (await open.ReadToEnd()).Ending);
        await Eventually.Holds("the old process has ended", () => !ProcFs.IsAlive(old));
        await bal.SeeStatus("what it counted is kept", s => Ended(s, "backend_down") == 1);
    }

    [Fact]
    public async Task A_reload_that_swaps_the_roles_ends_no_connection()
    {
        await using var primary = Serving.Named("P");
        await using var backup = Serving.Named("B");
        await using var bal = await BalInstance.Healthy(
            output, BalFile.For(primary, backup) with { Backups = 1, OpenConnections = "reset" });
        using var open = await bal.Connect();
        Assert.Equal("P"u8.ToArray(), await open.Read(1));

        await bal.Reload(bal.File with { Backends = [backup.Address, primary.Address] });

        Assert.Equal("B", await Served(bal));
        Assert.Equal(0, Ended(await bal.Status(), "primary_up"));
        Assert.Equal(1, (await bal.Status()).Of(primary.Address).Active);
    }

    private static async Task Becomes(BalInstance bal, string reason, Socket open, string fate)
    {
        if (fate == "reset")
        {
            Assert.Equal(Ending.Reset, (await open.ReadToEnd()).Ending);
            await bal.SeeStatus($"it is counted as {reason}", s => Ended(s, reason) == 1);
        }
        else
        {
            Assert.Equal(0, Ended(await bal.Status(), reason));
        }
    }

    private static async Task<string> Served(BalInstance bal)
    {
        using var client = await bal.Connect();
        return Encoding.ASCII.GetString(await client.Read(1));
    }

    private static long Ended(Status status, string reason) =>
        status.Root.GetProperty("terminations").GetProperty(reason).GetInt64();
}
