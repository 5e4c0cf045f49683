using System.Diagnostics;

namespace Bal.EndToEnd.Limits;

/// <summary>Out of descriptors every client gets an answer, no core is burnt, no backend is blamed.</summary>
[Collection(Sequential.Name)]
public sealed class DescriptorExhaustionTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task Running_out_of_descriptors_neither_spins_nor_lasts(int threads)
    {
        await using var backend = Serving.Named("x");
        await using var bal = new BalInstance(output, BalFile.For(backend).With("threads", threads));
        (await bal.Shell("ulimit -n 96; exec \"$BAL\" start -d")).Succeeds();
        await bal.SeeStatus("the backend is up", s => s.Reachable == 1);
        var pid = bal.Pid;

        var clients = (await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => bal.ConnectUnlessReset())))
            .OfType<Socket>().ToArray();
        output.WriteLine($"{clients.Length} of 200 clients were served");
        Assert.InRange(clients.Length, 5, 48);

        var cpu = ProcFs.CpuTime(pid);
        var clock = Stopwatch.StartNew();
        // More clients for the whole window, each of which must get an answer.
        while (clock.Elapsed < TimeSpan.FromSeconds(2))
        {
            Assert.Null(await bal.ConnectUnlessReset());
            await Task.Delay(50);
        }

        var burnt = ProcFs.CpuTime(pid) - cpu;
        var share = burnt / clock.Elapsed;
        output.WriteLine($"without descriptors bal used {share:P1} of a core");
        // A spin takes all of one.
        Assert.InRange(share, 0, 0.25);

        foreach (var client in clients)
            client.Dispose();
        using (await Eventually.See<Socket?>("a new one is served", bal.ConnectUnlessReset, c => c is not null))
            Assert.Equal("up", (await bal.Status()).Backends[0].State);
        var status = await bal.SeeStatus("no connection is left", s => s.Active == 0);
        Assert.False(status.Protected);
    }

    [Fact]
    public async Task A_limit_that_is_lowered_below_what_is_open_keeps_no_command_out()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var pid = bal.Pid;
        var clients = await Task.WhenAll(Enumerable.Range(0, 200).Select(async _ =>
        {
            var client = await bal.Connect();
            await client.Write(new byte[1]);
            await client.Read(1);
            return client;
        }));

        (await Command.Run("prlimit", "--pid", $"{pid}", "--nofile=128:128")).Succeeds();

        for (var i = 0; i < 5; i++)
            Assert.Equal(pid, (await bal.Status()).Pid);
        foreach (var client in clients)
            client.Dispose();
        (await bal.Run("stop")).Succeeds();
    }
}
