using System.Diagnostics;
using System.Globalization;

namespace Bal.EndToEnd.Systemd;

/// <summary>What a service manager is told (sd_notify(3)), with the test as the manager.</summary>
public sealed class NotifyTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Ready_is_told_once_clients_are_accepted_and_the_status_follows_the_backends()
    {
        await using var backend = Serving.Echo();
        await using var other = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend, other));
        using var manager = new ManagerSocket();

        bal.StartForeground(("NOTIFY_SOCKET", manager.Address));
        var at = await manager.Heard("READY=1");
        // At the first attempt, and the commands find it as well.
        await bal.Exchange();
        Assert.True((await bal.Status()).Running);
        Assert.Equal(1, at);
        Assert.Contains("\nSTATUS=serving: 2/2 backends reachable, protection mode off", manager.Messages[0],
            StringComparison.Ordinal);

        other.Refuse();
        at = await manager.Heard("STATUS=serving: 1/2 backends reachable", at);
        other.Revive();
        await manager.Heard("STATUS=serving: 2/2 backends reachable", at);
        Assert.Equal(0, manager.Signs);
    }

    [Fact]
    public async Task A_reload_is_told_from_its_beginning_to_its_end_whatever_comes_of_it()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        using var manager = new ManagerSocket();
        var process = await bal.Foreground(("NOTIFY_SOCKET", manager.Address));
        var at = await manager.Heard("READY=1");

        var before = Monotonic();
        (await bal.Run("graceful")).Succeeds();
        var begun = await manager.Heard("RELOADING=1", at);
        var fields = manager.Messages[begun - 1].Split('\n');
        Assert.Equal("RELOADING=1", fields[0]);
        Assert.StartsWith("MONOTONIC_USEC=", fields[1], StringComparison.Ordinal);
        // systemd takes the reload for its own only if this is not before its signal, to the microsecond.
        Assert.InRange(
            long.Parse(fields[1]["MONOTONIC_USEC=".Length..], CultureInfo.InvariantCulture), before, Monotonic());
        at = await manager.Heard("READY=1\nSTATUS=serving: 1/1", begun);

        await File.WriteAllTextAsync(bal.ConfigPath, "port: none\n");
        Posix.Signal(process.Pid, Posix.HangUp);
        at = await manager.Heard("RELOADING=1", at);
        at = await manager.Heard("READY=1\nSTATUS=serving; the last reload was refused", at);

        // In between the same life goes on.
        bal.Write(bal.File);
        Posix.Signal(process.Pid, Posix.HangUp);
        at = await manager.Heard("RELOADING=1", at);
        await manager.Heard("READY=1\nSTATUS=serving: 1/1", at);
        await bal.Exchange();
    }

    [Fact]
    public async Task Stopping_is_told_when_the_drain_begins()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        using var manager = new ManagerSocket();
        var process = await bal.Foreground(("NOTIFY_SOCKET", manager.Address));
        using var open = await bal.Connect();
        await open.Write(new byte[1]);
        await open.Read(1);

        Posix.Signal(process.Pid, Posix.Terminate);
        await manager.Heard("STATUS=stopping", await manager.Heard("STOPPING=1"));

        await open.Write(new byte[1]);
        await open.Read(1);
        open.Dispose();
        (await process.End()).Succeeds();
    }

    [Fact]
    public async Task A_loop_that_hangs_ends_the_signs_of_life_although_the_supervisor_answers()
    {
        const int interval = 400;
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        using var manager = new ManagerSocket();
        var process = await bal.Foreground(
            ("NOTIFY_SOCKET", manager.Address), ("WATCHDOG_USEC", $"{interval * 1_000}"), ("WATCHDOG_PID", null));
        await Eventually.Holds("three signs of life", () => manager.Signs >= 3);

        using (FrozenThread.Of(process.Pid, "loop-0"))
        {
            var signs = await manager.SignsUntilNow();
            var clock = Stopwatch.StartNew();
            while (clock.ElapsedMilliseconds < 4 * interval)
                Assert.True((await bal.Status()).Running);
            // The loop may have answered just before, and one more sign stands for that.
            Assert.InRange(await manager.SignsUntilNow(), signs, signs + 1);
        }

        var hung = manager.Signs;
        await Eventually.Holds("the signs of life come back", () => manager.Signs >= hung + 3);
    }

    [Fact]
    public async Task A_supervisor_that_hangs_ends_the_signs_of_life_although_clients_are_served()
    {
        const int interval = 400;
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        using var manager = new ManagerSocket();
        var process = await bal.Foreground(
            ("NOTIFY_SOCKET", manager.Address), ("WATCHDOG_USEC", $"{interval * 1_000}"));
        await Eventually.Holds("three signs of life", () => manager.Signs >= 3);

        // The supervisor is the first thread, which bears the name of the program.
        using (FrozenThread.Of(process.Pid, Path.GetFileName(BalBinary.Path)))
        {
            var signs = await manager.SignsUntilNow();
            var clock = Stopwatch.StartNew();
            while (clock.ElapsedMilliseconds < 4 * interval)
                await bal.Exchange();
            Assert.Equal(signs, await manager.SignsUntilNow());
        }

        var hung = manager.Signs;
        await Eventually.Holds("the signs of life come back", () => manager.Signs >= hung + 3);
    }

    [Fact]
    public async Task The_variables_are_for_the_service_alone_and_not_for_a_daemon_that_it_starts()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        using var manager = new ManagerSocket();
        (string, string?)[] variables =
            [("NOTIFY_SOCKET", manager.Address), ("WATCHDOG_USEC", "20000"), ("WATCHDOG_PID", null)];

        (await bal.RunWith(variables, "start", "-d")).Succeeds();

        var inherited = (await File.ReadAllTextAsync($"/proc/{bal.Pid}/environ")).Split('\0');
        Assert.DoesNotContain(inherited, v => v.StartsWith("NOTIFY_", StringComparison.Ordinal)
            || v.StartsWith("WATCHDOG_", StringComparison.Ordinal));
        (await bal.Run("graceful")).Succeeds();
        (await bal.Run("stop")).Succeeds();
        Assert.Empty(manager.Messages);
    }

    [Fact]
    public async Task A_manager_that_is_not_there_costs_one_line_of_the_log_and_nothing_else()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var process = await bal.Foreground(("NOTIFY_SOCKET", "/nobody/listens/here"), ("WATCHDOG_USEC", "20000"));
        await bal.Exchange();
        (await bal.Run("graceful")).Succeeds();
        (await bal.Run("stop")).Succeeds();

        var log = (await process.End()).Succeeds().Error;
        Assert.Single(log.Split('\n'), l => l.Contains("service_manager_unreachable", StringComparison.Ordinal));
    }

    private static long Monotonic() => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);
}
