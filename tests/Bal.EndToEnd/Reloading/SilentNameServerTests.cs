using System.Diagnostics;

namespace Bal.EndToEnd.Reloading;

/// <summary>
/// A reload that has to look up a name to listen on, from a name server that does not answer. bal sees an
/// /etc/resolv.conf of its own in a mount namespace; the server is a socket on port 53 of a loopback address that
/// never answers.
/// </summary>
public sealed class SilentNameServerTests(ITestOutputHelper output)
{
    private const string Server = "127.0.53.77";

    [Fact]
    public async Task A_name_that_nobody_answers_for_is_given_up_after_5_s_and_holds_nothing_else_up()
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        server.Bind(new IPEndPoint(IPAddress.Parse(Server), 53));
        await using var backend = Serving.Echo();
        var file = BalFile.For(backend);
        await using var bal = new BalInstance(output, file);
        await File.WriteAllTextAsync(
            Path.Combine(bal.Home, "resolv.conf"), $"nameserver {Server}\noptions timeout:30\n");
        var inside = $"mount --bind {bal.Home}/resolv.conf /etc/resolv.conf && exec \"$BAL\" start -d";
        (await bal.Shell($"exec {(Posix.IsRoot ? "unshare -m" : "unshare -rm")} bash -c '{inside}'")).Succeeds();
        await bal.SeeStatus("the backend is up", s => s.Reachable == 1);

        bal.Write(file with { Bind = "silent.bal-test.example" });
        var clock = Stopwatch.StartNew();
        var graceful = bal.Run("graceful");
        // The question has arrived: whoever asked waits for the answer.
        _ = await server.ReceiveAsync(new byte[512]).WaitAsync(Eventually.Patience);
        var asked = Stopwatch.StartNew();
        Assert.True((await bal.Status()).Running);
        await bal.Exchange();
        Assert.InRange(asked.ElapsedMilliseconds, 0, 2_000);
        Assert.False(graceful.IsCompleted);

        var refused = (await graceful).FailsWith(1);
        Assert.InRange(clock.ElapsedMilliseconds, 4_500, 9_000);
        Assert.Contains("no answer within 5 s", refused.Out + refused.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await bal.Status()).ConfigVersion);

        // What was asked for meanwhile comes in its turn, and a file without the name needs none.
        bal.Write(file.With("max_concurrent_connections", 7));
        (await bal.Run("graceful")).Succeeds();
        Assert.Equal(2, (await bal.Status()).ConfigVersion);
    }
}
