using System.Globalization;
using System.Text.RegularExpressions;

namespace Bal.EndToEnd.Relay;

/// <summary>A peer that is gone without a word is found; one that only says nothing is not.</summary>
public sealed partial class KeepaliveTests(ITestOutputHelper output)
{
    // How /proc/net/tcp names the timer of a socket (proc(5)).
    private const string NoTimer = "00";
    private const string Keepalive = "02";

    [Fact]
    public async Task A_peer_that_no_longer_answers_is_found_and_said()
    {
        if (!NetworkSpace.CanEnter)
            return;
        await using var network = await NetworkSpace.Open();
        await using var backend = network.Inside(() => Serving.Echo());
        await using var bal = new BalInstance(output, BalFile.For(backend).With("tcp_keepalive_ms", 3_000));
        await network.StartBal(bal);
        using var client = network.Inside(() =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Connect(bal.Endpoint);
            return socket;
        });
        await client.Write(new byte[1]);
        await client.Read(1);

        await network.Link("down");

        var status = await bal.SeeStatus("the connection is gone", s => s.Active == 0);
        Assert.Equal(1, status.Root.GetProperty("terminations").GetProperty("peer_timeout").GetInt64());
        await Eventually.Holds("the log says so", () => bal.LogLines().Any(line =>
            line.Contains("\"connections_ended\"") && line.Contains("\"peer_timeout\"")));
    }

    [Fact]
    public async Task A_live_reader_that_has_stalled_is_not_ended()
    {
        await using var backend = new TestBackend(async (socket, ended) =>
        {
            for (var block = new byte[64 * 1024]; ;)
                await socket.SendAsync(block, ended);
        });
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).With("tcp_keepalive_ms", 3_000));
        using var client = await bal.Connect();
        await client.Read(1);

        // Each answered, the kernel asks after 0.2, 0.4, 0.8, 1.6 and 3.2 s whether there is room: a dead peer would
        // have been found meanwhile.
        await Eventually.See("the reader has been asked often enough", async () => AskedForRoom(
            (await Command.Run("ss", "-tniH", "sport", "=", $":{bal.File.Port}")).Succeeds().Out), asked => asked >= 5);

        await client.Read(8_000_000);
    }

    [Fact]
    public async Task The_client_is_looked_after_from_the_beginning_and_the_backend_once_the_connection_lasts()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(
            output, BalFile.For(backend).WithRareProbes().With("tcp_keepalive_ms", 3_000));
        using var client = await bal.Connect();
        await client.Write(new byte[1]);
        await client.Read(1);

        await Eventually.Holds("bal asks its client", () => TimerOf(bal.File.Port, client) == Keepalive);
        await Eventually.Holds("bal asks its backend", () => Timers(backend.Port).Contains(Keepalive));
    }

    [Fact]
    public async Task Switched_off_nobody_is_asked_and_a_reload_switches_it_on_for_new_clients()
    {
        await using var backend = Serving.Echo();
        var file = BalFile.For(backend).WithRareProbes().With("tcp_keepalive_ms", 0);
        await using var bal = await BalInstance.Healthy(output, file);
        using var before = await bal.Connect();
        await before.Write(new byte[1]);
        await before.Read(1);
        await Eventually.Holds("all is acknowledged", () => TimerOf(bal.File.Port, before) == NoTimer);

        await bal.Reload(file.With("tcp_keepalive_ms", 60_000));

        using var after = await bal.Connect();
        await after.Write(new byte[1]);
        await after.Read(1);
        await Eventually.Holds("bal asks its client", () => TimerOf(bal.File.Port, after) == Keepalive);
        Assert.Equal(NoTimer, TimerOf(bal.File.Port, before));
        await Eventually.Holds("bal asks the backends of both", () =>
            Timers(backend.Port).Count(timer => timer == Keepalive) >= 1);
    }

    // How often, as ss(8) shows it: backoff:3.
    private static int AskedForRoom(string sockets) =>
        Backoff().Matches(sockets).Select(m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture))
            .FirstOrDefault();

    [GeneratedRegex(@"backoff:(\d+)")]
    private static partial Regex Backoff();

    // bal's end of a client's connection.
    private static string TimerOf(int port, Socket client) => Rows()
        .Where(row => row.Local == port && row.Remote == ((IPEndPoint)client.LocalEndPoint!).Port)
        .Select(row => row.Timer).FirstOrDefault("");

    // bal's ends of connections to a backend.
    private static string[] Timers(int backend) =>
        [.. Rows().Where(row => row.Remote == backend).Select(row => row.Timer)];

    private static IEnumerable<(int Local, int Remote, string Timer)> Rows() => File.ReadLines("/proc/net/tcp").Skip(1)
        .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Where(fields => fields[3] == "01")
        .Select(fields => (PortOf(fields[1]), PortOf(fields[2]), fields[5][..2]));

    private static int PortOf(string address) =>
        int.Parse(address.AsSpan(address.IndexOf(':') + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
