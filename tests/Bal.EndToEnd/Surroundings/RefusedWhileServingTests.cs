using System.Text.Json;

namespace Bal.EndToEnd.Surroundings;

/// <summary>
/// Limits that are set while bal serves (prlimit(1)): nobody who is served notices, what is refused is said, and so is
/// the end of it. <see cref="RefusedFacilityTests"/> is about what is refused from the start.
/// </summary>
[Collection(Sequential.Name)]
public sealed class RefusedWhileServingTests(ITestOutputHelper output)
{
    private const int Bulk = 4 * 1024 * 1024;

    [Theory]
    [InlineData("as=1")]
    [InlineData("fsize=0")]
    [InlineData("nproc=1")]
    [InlineData("memlock=0")]
    [InlineData("stack=1")]
    [InlineData("sigpending=0")]
    [InlineData("nofile=0")]
    public async Task Whoever_is_served_goes_on_and_every_command_has_its_answer(string limit)
    {
        await using var backend = Serving.Echo();
        await using var other = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var pid = bal.Pid;
        using var held = await Held(bal);
        await Set(pid, limit);

        await BothWays(held, seed: 1);
        Assert.Equal(pid, (await bal.Status()).Pid);
        // What a reload needs may be refused; then it says so, and the earlier configuration stays.
        bal.Write(bal.File with { Backends = [backend.Address, other.Address] });
        var reload = await bal.Run("graceful");
        Assert.True(reload.ExitCode == 0 || reload.Error.Contains("do_this_now: ", StringComparison.Ordinal),
            $"{reload}");
        var upgrade = await bal.Run("upgrade");
        Assert.True(upgrade.ExitCode == 0 || upgrade.Error.Contains("do_this_now: ", StringComparison.Ordinal),
            $"{upgrade}");
        await BothWays(held, seed: 2);
        if (upgrade.ExitCode != 0)
            await Lift(pid, limit);
        (await bal.Run("graceful")).Succeeds();
        await bal.Exchange();
        await BothWays(held, seed: 3);

        held.Dispose();
        (await bal.Run("stop")).Succeeds();
        Assert.DoesNotContain(bal.LogLines(), l => l.Contains("internal_error", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Clients_for_whom_there_is_no_descriptor_are_reset_and_counted_and_the_next_one_is_served()
    {
        await using var backend = Serving.Named("x");
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        await Set(bal.Pid, "nofile=0");
        for (var i = 0; i < 5; i++)
            Assert.Null(await bal.ConnectUnlessReset());

        var status = await bal.SeeStatus("all are counted", s =>
            s.Root.GetProperty("rejected").GetProperty("descriptors").GetInt64() == 5);
        Assert.Equal(5, status.Root.GetProperty("unserved_last_minute").GetProperty("descriptors").GetInt64());
        Assert.Equal("up", status.Backends[0].State);
        Assert.Contains(bal.LogLines(), l => l.Contains("descriptors_exhausted", StringComparison.Ordinal));

        await Lift(bal.Pid, "nofile=0");
        using var served = await Eventually.See<Socket?>(
            "a client is served", bal.ConnectUnlessReset, c => c is not null);
    }

    [Fact]
    public async Task Pipes_that_are_used_up_and_free_again_are_said_and_counted()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        using var held = await Held(bal);
        await Set(bal.Pid, "nofile=0");
        await BothWays(held, seed: 1);
        await Eventually.Holds("it is said", () => Said(bal, "pipes_exhausted").Length == 1);
        await Lift(bal.Pid, "nofile=0");

        await Eventually.See("the end is said", async () =>
        {
            await BothWays(held, seed: 2);
            return Said(bal, "pipes_available").Length;
        }, said => said > 0);

        // The first line comes with the first time; the last one counts them all.
        var times = JsonDocument.Parse(Assert.Single(Said(bal, "pipes_available"))).RootElement
            .GetProperty("fields").GetProperty("times").GetInt64();
        var status = await bal.Status();
        Assert.Equal(times, status.Root.GetProperty("pipes_unavailable").GetInt64());
        Assert.Single(Said(bal, "pipes_exhausted"));
        Assert.Contains($"no pipe was left {times} time",
            (await bal.Run("status", "--verbose")).Succeeds().Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lines_that_the_log_could_not_take_are_counted_once_it_can_again()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        await Set(bal.Pid, "fsize=0");
        (await bal.Run("graceful")).Succeeds();
        await bal.Exchange();
        await Lift(bal.Pid, "fsize=0");

        await Eventually.See("it is said", async () =>
        {
            (await bal.Run("graceful")).Succeeds();
            return Said(bal, "log_lines_dropped").Length;
        }, said => said > 0);
    }

    private static async Task<Socket> Held(BalInstance bal)
    {
        var held = await bal.Connect();
        await held.Write(new byte[1]);
        await held.Read(1);
        return held;
    }

    // The hard limit stays, so that whoever set it can lift it. For descriptors 0 stands for those in use.
    private static async Task Set(int pid, string limit)
    {
        var open = Directory.GetFiles($"/proc/{pid}/fd")
            .Select(fd => int.Parse(Path.GetFileName(fd), null)).ToHashSet();
        var inUse = Enumerable.Range(0, open.Count + 1).First(fd => !open.Contains(fd));
        var value = limit == "nofile=0" ? $"nofile={inUse}" : limit;
        (await Command.Run("prlimit", "--pid", $"{pid}", $"--{value}:")).Succeeds();
    }

    private static async Task Lift(int pid, string limit)
    {
        var name = limit[..limit.IndexOf('=', StringComparison.Ordinal)];
        var hard = (await Command.Run("prlimit", "--pid", $"{pid}", $"--{name}", "--output", "HARD", "--noheadings"))
            .Succeeds().Out.Trim();
        (await Command.Run("prlimit", "--pid", $"{pid}", $"--{name}={hard}:")).Succeeds();
    }

    private static async Task BothWays(Socket held, int seed)
    {
        var bytes = Wire.Random(Bulk, seed);
        var writing = held.Write(bytes);
        var got = await held.Read(bytes.Length);
        await writing;
        Assert.True(bytes.AsSpan().SequenceEqual(got), "not the bytes that were sent");
    }

    private static string[] Said(BalInstance bal, string name) => [.. bal.LogLines()
        .Where(l => l.Contains($"\"event\":\"{name}\"", StringComparison.Ordinal))];
}
