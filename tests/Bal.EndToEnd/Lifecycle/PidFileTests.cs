using System.Diagnostics;

namespace Bal.EndToEnd.Lifecycle;

/// <summary>Whatever the PID file says, only the holder of its lock is ever signalled.</summary>
public sealed class PidFileTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("garbage\n")]
    [InlineData("0\n")]
    [InlineData("-1\n")]
    [InlineData("1\n")]
    [InlineData("999999999\n")]
    [InlineData("99999999999999999999999999\n")]
    [InlineData("huge")]
    [InlineData("foreign")]
    public async Task A_content_that_means_no_running_bal_is_never_signalled_and_is_replaced(string content)
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        using var bystander = Process.Start("sleep", "60");
        try
        {
            await File.WriteAllTextAsync(bal.PidPath, content switch
            {
                "huge" => new string('7', 1_000_000),
                "foreign" => $"{bystander.Id}\n",
                _ => content,
            });

            Assert.Contains("not running", (await bal.Run("stop")).FailsWith(1).Error, StringComparison.Ordinal);
            Assert.Contains("not running", (await bal.Run("graceful")).FailsWith(1).Error, StringComparison.Ordinal);
            Assert.Contains("not running", (await bal.Run("status")).Succeeds().Out, StringComparison.Ordinal);
            Assert.True(ProcFs.IsAlive(bystander.Id));

            (await bal.Run("start", "-d")).Succeeds();
            Assert.Equal((await bal.Status()).Pid, bal.Pid);
            Assert.Equal($"{bal.Pid}\n", await File.ReadAllTextAsync(bal.PidPath));
            (await bal.Run("stop")).Succeeds();
            Assert.True(ProcFs.IsAlive(bystander.Id));
        }
        finally
        {
            bystander.Kill();
        }
    }

    [Fact]
    public async Task After_a_kill_9_the_next_start_takes_over_at_once()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var killed = bal.Pid;
        using var client = await bal.Connect();
        Posix.Signal(killed, Posix.Kill);
        await Eventually.Holds("it is gone", () => !ProcFs.IsAlive(killed));
        var status = (await bal.Run("status")).Succeeds().Out;
        Assert.Contains("not running", status, StringComparison.Ordinal);
        Assert.Contains("why_likely: it was killed", status, StringComparison.Ordinal);

        // Connections of the dead process may still be in TIME_WAIT on the port.
        (await bal.Run("start", "-d")).Succeeds();

        Assert.NotEqual(killed, bal.Pid);
        using var again = await bal.Connect();
        await again.Write(new byte[1]);
        await again.Read(1);
    }

    [Fact]
    public async Task A_PID_file_that_was_deleted_or_overwritten_misleads_nobody()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var pid = bal.Pid;
        await File.WriteAllTextAsync(bal.PidPath, "1\n");
        Assert.Equal(pid, (await bal.Status()).Pid);
        (await bal.Run("stop")).Succeeds();
        Assert.False(ProcFs.IsAlive(pid));
    }
}
