using Bal.EndToEnd.Servers;

namespace Bal.EndToEnd.Clients;

/// <summary>Unix sockets on either side, with the programs that use them.</summary>
public sealed class UnixSocketTests(PostgresServer postgres, ITestOutputHelper output) : IClassFixture<PostgresServer>
{
    [Theory]
    [InlineData("auto")]
    [InlineData("copy")]
    [InlineData("splice")]
    public async Task Psql_and_pgbench_by_the_directory_of_a_socket_reach_PostgreSQL_by_its_socket(string relay)
    {
        await using var bal = new BalInstance(output);
        bal.Write(new BalFile(postgres.Port, $"unix:{postgres.Socket}")
        {
            Bind = $"unix:{bal.Home}/.s.PGSQL.{postgres.Port}",
        }.With("relay", relay).With("threads", 2));
        (await bal.Run("start", "-d")).Succeeds();
        await bal.SeeStatus("the backend is up", s => s.Reachable == 1);

        const string Query = "SELECT md5(n::text) FROM generate_series(1, 200000) n";
        var direct = (await PostgresServer.Client("psql", postgres.Port, "-At", "-c", Query)).Succeeds();
        var through = (await PostgresServer.ClientOf(bal.Home, "psql", postgres.Port, "-At", "-c", Query)).Succeeds();
        Assert.True(direct.Out == through.Out, "the results differ");
        var bench = (await PostgresServer.ClientOf(bal.Home, "pgbench", postgres.Port,
            "--client", "8", "--transactions", "25", "--connect", "--select-only", "--no-vacuum")).Succeeds();
        Assert.Contains("actually processed: 200/200", bench.Out, StringComparison.Ordinal);
        var status = await bal.SeeStatus("all connections have ended", s => s.Active == 0);
        Assert.Equal($"unix:{postgres.Socket}", status.Backends[0].Address);
    }

    [Fact]
    public async Task Redis_is_asked_by_its_socket_and_serves_a_benchmark()
    {
        await using var bal = new BalInstance(output);
        var socket = $"{bal.Home}/redis.sock";
        await using var redis = await RedisServer.Start("--unixsocket", socket);
        bal.Write(new BalFile(1, $"unix:{socket}")
        {
            Bind = $"unix:{bal.Home}/in.sock",
            More = "health_check:\n  type: exchange\n  exchange:\n    - {send: \"PING\\r\\n\", expect: \"+PONG\"}",
        }.With("threads", 2));
        (await bal.Run("start", "-d")).Succeeds();
        await bal.SeeStatus("the backend is up", s => s.Reachable == 1);

        var bench = (await Command.Run("redis-benchmark", "-s", $"{bal.Home}/in.sock",
            "-c", "50", "-n", "20000", "-d", "100", "-t", "set,get", "--csv")).Succeeds();
        Assert.Contains("\"GET\"", bench.Out, StringComparison.Ordinal);
        await bal.SeeStatus("all connections have ended", s => s.Active == 0);
        (await bal.Run("doctor")).Succeeds();

        await redis.Kill();
        await bal.SeeStatus("the backend is down", s => s.Reachable == 0);
        var explained = (await bal.Run("explain", $"unix:{socket}")).Succeeds().Out;
        Assert.Contains("socket: its socket does not exist, or nothing listens on it", explained,
            StringComparison.Ordinal);
        Assert.Contains($"backend unix:{socket}: ", (await bal.Run("doctor")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_has_its_mode_is_handed_over_and_goes_with_a_reload_and_a_stop()
    {
        await using var bal = new BalInstance(output);
        await using var echo = Serving.Echo();
        var (first, second) = ($"{bal.Home}/a.sock", $"{bal.Home}/b.sock");
        var file = BalFile.For(echo) with { Bind = $"unix:{first}", More = "socket_mode: \"0640\"" };
        bal.Write(file);
        (await bal.Run("start", "-d")).Succeeds();
        Assert.Equal(Convert.ToInt32("640", 8), (int)File.GetUnixFileMode(first));

        using var open = await Connected(first);
        await Says(open, "before");
        (await bal.Run("upgrade")).Succeeds();
        await Says(open, "after");
        using (var anew = await Connected(first))
            await Says(anew, "new");

        await bal.Reload(file with { Bind = $"unix:{second}", More = "socket_mode: \"0600\"" });
        Assert.False(File.Exists(first), "the old socket is still there");
        Assert.Equal(Convert.ToInt32("600", 8), (int)File.GetUnixFileMode(second));
        await Says(open, "still");
        await bal.Reload(file with { Bind = $"unix:{second}", More = "socket_mode: \"0666\"" });
        Assert.Equal(Convert.ToInt32("666", 8), (int)File.GetUnixFileMode(second));
        open.Close();

        (await bal.Run("stop")).Succeeds();
        Assert.False(File.Exists(second), "the socket outlived bal");
    }

    [Fact]
    public async Task What_another_has_is_left_alone_and_what_was_left_behind_is_replaced()
    {
        await using var bal = new BalInstance(output);
        await using var echo = Serving.Echo();
        var path = $"{bal.Home}/in.sock";
        bal.Write(BalFile.For(echo) with { Bind = $"unix:{path}" });

        await File.WriteAllTextAsync(path, "precious");
        var foreign = (await bal.Run("start", "-d")).FailsWith(1);
        Assert.Contains("a file that is not a socket", foreign.Error, StringComparison.Ordinal);
        Assert.Equal("precious", await File.ReadAllTextAsync(path));
        File.Delete(path);

        using (var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            other.Bind(new UnixDomainSocketEndPoint(path));
            other.Listen(4);
            var live = (await bal.Run("start", "-d")).FailsWith(1);
            Assert.Contains("held by another process", live.Error, StringComparison.Ordinal);
        }

        // .NET removes it; a process that is killed does not.
        (await Command.Run("python3", "-c",
            $"import socket; s = socket.socket(socket.AF_UNIX); s.bind('{path}'); s.listen()")).Succeeds();
        Assert.True(File.Exists(path));
        (await bal.Run("start", "-d")).Succeeds();
        using var client = await Connected(path);
        await Says(client, "hello");
    }

    [Fact]
    public async Task Whoever_comes_without_an_address_is_named_so_and_let_in_by_the_lists_word()
    {
        await using var bal = new BalInstance(output);
        await using var echo = Serving.Echo();
        var (path, log) = ($"{bal.Home}/in.sock", $"{bal.Home}/access.ndjson");
        var file = BalFile.For(echo) with { Bind = $"unix:{path}" };
        bal.Write(file with { More = $"access_log: \"{log}\"\nallow: [unix]" });
        (await bal.Run("start", "-d")).Succeeds();

        using (var client = await Connected(path))
        {
            await Says(client, "hello");
            Assert.Contains("unix", (await bal.Run("sessions")).Succeeds().Out, StringComparison.Ordinal);
        }

        await Eventually.Holds("the line is written", () => File.Exists(log) && new FileInfo(log).Length > 0);
        Assert.Contains("\"client\":\"unix\"", await File.ReadAllTextAsync(log), StringComparison.Ordinal);

        await bal.Reload(file with { More = $"access_log: \"{log}\"\nallow: [10.0.0.0/8]" });
        using var denied = await Connected(path);
        Assert.Equal(0, await denied.ReceiveAsync(new byte[1]));
    }

    private static async Task<Socket> Connected(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    private static async Task Says(Socket socket, string word)
    {
        var bytes = System.Text.Encoding.ASCII.GetBytes(word);
        await socket.SendAsync(bytes);
        var heard = new byte[bytes.Length];
        var read = 0;
        while (read < heard.Length)
        {
            var more = await socket.ReceiveAsync(heard.AsMemory(read));
            Assert.NotEqual(0, more);
            read += more;
        }

        Assert.Equal(bytes, heard);
    }
}
