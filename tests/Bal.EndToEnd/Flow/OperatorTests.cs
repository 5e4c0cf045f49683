namespace Bal.EndToEnd.Flow;

/// <summary>What an operator does without thinking, and what bal must not make of it.</summary>
public sealed class OperatorTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_second_stop_waits_for_the_drain_and_cuts_nothing()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        using var client = await bal.Connect();
        await client.Write(new byte[1]);
        await client.Read(1);

        var first = bal.Run("stop");
        await bal.SeeStatus("the drain", s => s.Root.GetProperty("stopping").GetBoolean());
        // Outside the home, in which bal leaves nothing behind and neither does its test.
        var told = Path.GetTempFileName();
        var second = bal.ShellInBackground($"exec \"$BAL\" stop 2>{told}");
        await Eventually.Holds("the second stop has looked and waits", () =>
            File.ReadAllText(told).Contains("stopping bal (pid=", StringComparison.Ordinal));
        await client.Write(new byte[1]);
        await client.Read(1);
        Assert.False(first.IsCompleted);
        client.Dispose();

        (await first).Succeeds();
        (await second.End()).Succeeds();
        File.Delete(told);
    }

    [Fact]
    public async Task A_refused_reload_is_told_once_and_stays_in_the_status_until_one_is_applied()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var good = await File.ReadAllTextAsync(bal.ConfigPath);
        await File.WriteAllTextAsync(bal.ConfigPath, good.Replace("port:", "prot:", StringComparison.Ordinal));

        var refused = (await bal.Run("graceful")).FailsWith(1);
        var lines = refused.Error.Split('\n').Where(line => line.StartsWith("what_happened", StringComparison.Ordinal))
            .ToArray();
        Assert.Equal(lines.Distinct(), lines);
        Assert.DoesNotContain(lines, line => line.Contains("cannot be used", StringComparison.Ordinal));
        var status = (await bal.Run("status", "--exit-code")).FailsWith(1);
        Assert.Contains("overall: WARN", status.Out, StringComparison.Ordinal);
        Assert.Contains("what_happened: the reload at ", status.Out, StringComparison.Ordinal);

        await File.WriteAllTextAsync(bal.ConfigPath, good);
        (await bal.Run("graceful")).Succeeds();
        Assert.Contains(
            "overall: OK", (await bal.Run("status", "--exit-code")).Succeeds().Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_judges_the_file_that_the_daemon_serves()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var other = Path.Combine(bal.Home, "other.yaml");
        File.Move(bal.ConfigPath, other);
        (await bal.Run("start", "-d", "-c", other)).Succeeds();
        await bal.SeeStatus("the backend is up", s => s.Reachable == 1);

        Assert.Contains("overall: OK", (await bal.Run("doctor")).Succeeds().Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_limit_that_is_reached_is_a_warning()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(
            output, BalFile.For(backend).With("max_concurrent_connections", 1));
        using var client = await bal.Connect();
        await client.Write(new byte[1]);
        await client.Read(1);

        var status = (await bal.Run("status", "--exit-code")).FailsWith(1);

        Assert.Contains("what_happened: 1 of 1 connections are in use", status.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_lies_where_the_user_may_not_look_is_the_users_fault_and_not_bals()
    {
        await using var bal = new BalInstance(output, BalFile.For(9));
        var locked = Directory.CreateDirectory(Path.Combine(bal.Home, "locked")).FullName;
        File.WriteAllText(Path.Combine(locked, "x.yaml"), "port: 1\n");
        File.SetUnixFileMode(locked, UnixFileMode.None);
        File.SetUnixFileMode(bal.Home, (UnixFileMode)0b111_101_101);

        // Root may look everywhere, so another user asks.
        var asNobody = Environment.UserName == "root" ? "runuser -u nobody -- " : "";
        var check = (await bal.Shell($"{asNobody}env HOME=/tmp \"$BAL\" check -c {locked}/x.yaml")).FailsWith(1);
        File.SetUnixFileMode(locked, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        Assert.Contains("may not be read by this user", check.Out, StringComparison.Ordinal);
    }
}
