using System.Diagnostics;

namespace Bal.EndToEnd.Surroundings;

/// <summary>Doctor takes a bounded time, however many names nobody answers for.</summary>
[Collection(Sequential.Name)]
public sealed class SlowDoctorTests(ITestOutputHelper output)
{
    private const string Server = "127.0.53.78";

    [Fact]
    public async Task Forty_names_that_nobody_answers_for_cost_5_s_together_and_are_one_finding()
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        server.Bind(new IPEndPoint(IPAddress.Parse(Server), 53));
        await using var bal = new BalInstance(output, new BalFile(
            Ports.Free(), [.. Enumerable.Range(0, 40).Select(i => $"silent{i}.bal-test.example:80")]));
        await File.WriteAllTextAsync(
            Path.Combine(bal.Home, "resolv.conf"), $"nameserver {Server}\noptions timeout:30\n");
        var inside = $"mount --bind {bal.Home}/resolv.conf /etc/resolv.conf && exec \"$BAL\" doctor";
        var clock = Stopwatch.StartNew();

        var doctor = (await bal.Shell(
            $"exec {(Posix.IsRoot ? "unshare -m" : "unshare -rm")} bash -c '{inside}'")).FailsWith(1);

        // The bound, and what it takes to start a process on a machine that is busy.
        Assert.InRange(clock.ElapsedMilliseconds, 4_500, 9_000);
        Assert.Contains("no answer within 5 s", doctor.Out, StringComparison.Ordinal);
        var problems = doctor.Out.Split('\n').Where(l => l.StartsWith("what_happened", StringComparison.Ordinal));
        Assert.InRange(problems.Count(), 1, 3);
    }
}
