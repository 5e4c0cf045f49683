using System.Diagnostics;

namespace Bal.EndToEnd.Lifecycle;

/// <summary>What <c>bal stop</c> and the keys about stopping promise.</summary>
public sealed class StopTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_stop_lets_an_open_connection_finish_and_takes_no_new_one()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        using var open = await bal.Connect();
        await open.Write(new byte[1]);
        await open.Read(1);
        var pid = bal.Pid;

        var stopping = bal.Run("stop");
        await Eventually.See<bool>("new clients are refused", async () =>
        {
            try
            {
                using var late = await bal.Connect();
                return false;
            }
            catch (SocketException)
            {
                return true;
            }
        }, refused => refused);

        // The open one goes on as if nothing were, in both directions.
        for (var i = 0; i < 20; i++)
        {
            await open.Write(Wire.Random(10_000, i));
            Assert.Equal(Wire.Random(10_000, i), await open.Read(10_000));
        }

        Assert.True(ProcFs.IsAlive(pid));
        Assert.False(stopping.IsCompleted);
        open.Shutdown(SocketShutdown.Send);
        Assert.Equal(Ending.Fin, (await open.ReadToEnd()).Ending);
        (await stopping).Succeeds();
        Assert.False(ProcFs.IsAlive(pid));
    }

    [Fact]
    public async Task During_the_delay_clients_are_still_accepted_and_status_says_that_bal_is_stopping()
    {
        await using var backend = Serving.Echo();
        var file = BalFile.For(backend);
        await using var bal = await BalInstance.Healthy(output, file);
        await File.AppendAllTextAsync(bal.ConfigPath, "stop_delay_ms: 600000\n");
        (await bal.Run("graceful")).Succeeds();
        var pid = bal.Pid;
        Posix.Signal(pid, Posix.Terminate);

        await bal.SeeStatus("it is stopping", s => s.Root.GetProperty("stopping").GetBoolean());
        await bal.Exchange();
        Assert.Contains("bal is stopping", (await bal.Run("graceful")).FailsWith(1).Error, StringComparison.Ordinal);
        Assert.Contains("stopping", (await bal.Run("upgrade")).FailsWith(1).Error, StringComparison.Ordinal);
        await bal.Exchange();
    }

    [Fact]
    public async Task A_stop_with_a_timeout_cuts_what_is_left_and_a_second_one_shortens_the_first()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        using var open = await bal.Connect();
        await open.Write(new byte[1]);
        await open.Read(1);
        var pid = bal.Pid;

        var first = bal.Run("stop", "--timeout", "3600");
        await bal.SeeStatus("it is stopping", s => s.Root.GetProperty("stopping").GetBoolean());
        await open.Write(new byte[1]);
        await open.Read(1);
        var clock = Stopwatch.StartNew();
        (await bal.Run("stop", "--timeout", "2")).Succeeds();

        // The last half of the time is for cutting, and a share of one connection is due when it begins.
        Assert.True(clock.Elapsed.TotalSeconds >= 0.99, $"it was cut after {clock.Elapsed.TotalSeconds:0.00} s");
        Assert.Contains($"daemon: stopped (pid={pid})", (await first).Succeeds().Out, StringComparison.Ordinal);
        Assert.Contains(bal.LogLines(), l => l.Contains("drain_shortened", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("stop", "--timeout", "0")]
    [InlineData("stop")]
    public async Task A_timeout_of_0_cuts_at_once(params string[] stop)
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        if (stop.Length == 1)
        {
            await File.AppendAllTextAsync(bal.ConfigPath, "drain_timeout_ms: 0\n");
            (await bal.Run("graceful")).Succeeds();
        }

        using var open = await bal.Connect();
        await open.Write(new byte[1]);
        await open.Read(1);
        (await bal.Run(stop)).Succeeds();
        await open.ReadToEnd();
        Assert.Contains(bal.LogLines(), l => l.Contains("open connections were cut", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stops_at_the_same_moment_cut_nothing()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        using var open = await bal.Connect();
        await open.Write(new byte[1]);
        await open.Read(1);

        var stops = Enumerable.Range(0, 4).Select(_ => bal.Run("stop")).ToArray();
        await bal.SeeStatus("it is stopping", s => s.Root.GetProperty("stopping").GetBoolean());
        await open.Write(new byte[1]);
        await open.Read(1);
        open.Dispose();

        // One that came when all was over says so.
        foreach (var stop in await Task.WhenAll(stops))
            Assert.True(stop.ExitCode == 0 || stop.Error.Contains("not running", StringComparison.Ordinal), $"{stop}");
        Assert.Contains(stops, stop => stop.Result.ExitCode == 0);
    }
}
