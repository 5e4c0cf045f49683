using System.Text;
using Bal.EndToEnd.Servers;
using Bal.EndToEnd.Upgrading;

namespace Bal.EndToEnd.Clients;

/// <summary>The PROXY protocol from and to HAProxy, nginx and bal itself.</summary>
public sealed class ProxyProtocolTests(ITestOutputHelper output)
{
    private static readonly string[] Hosts = ["127.0.0.1", "::1"];

    [Fact]
    public async Task Whoever_stands_before_bal_the_server_behind_it_learns_who_the_client_is()
    {
        var ports = Enumerable.Range(0, 4).Select(_ => Ports.Free()).ToArray();
        var (nginxShows, haproxyShows) = (Ports.Free(), Ports.Free());
        // Both forms to both of them.
        var file = new BalFile(Ports.Free(), $"127.0.0.1:{nginxShows}", $"[::1]:{haproxyShows}").WithRareProbes() with
        {
            More = $$"""
                  - {host: "::1", port: {{nginxShows}}, proxy_protocol: v2}
                  - {host: 127.0.0.1, port: {{haproxyShows}}, proxy_protocol: v2}
                proxy_protocol: {accept_from: [127.0.0.1], send: v1}
                """,
        };
        await using var nginx = await Nginx.Start(
            $$"""
            server { listen 127.0.0.1:{{ports[0]}}; listen [::1]:{{ports[0]}}; proxy_protocol on;
              proxy_pass 127.0.0.1:{{file.Port}}; }
            """,
            $$"""
            server { listen 127.0.0.1:{{nginxShows}} proxy_protocol; listen [::1]:{{nginxShows}} proxy_protocol;
              return 200 "nginx: $proxy_protocol_addr $proxy_protocol_port"; }
            """,
            ports[0], nginxShows);
        var senders = new[]
        {
            "send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority",
        };
        await using var haproxy = await HaProxyServer.Start(
            $"""
            frontend shows
              mode http
              bind 127.0.0.1:{haproxyShows} accept-proxy
              bind [::1]:{haproxyShows} accept-proxy
              http-request return status 200 content-type text/plain lf-string "haproxy: %[src] %[src_port]"

            """ + string.Concat(senders.Select((sender, i) =>
            $"""
            listen sends{i}
              bind 127.0.0.1:{ports[i + 1]}
              bind [::1]:{ports[i + 1]}
              unique-id-format %ci:%cp
              server bal 127.0.0.1:{file.Port} {sender}

            """)),
            [haproxyShows, .. ports[1..]]);
        await using var bal = await BalInstance.Healthy(output, file);
        await using var first = new BalInstance(output);
        var (inText, inBinary) = (Ports.Free(), Ports.Free());
        await File.WriteAllTextAsync(first.ConfigPath, $$"""
            services:
              text:
                bind_address: [127.0.0.1, "::1"]
                port: {{inText}}
                backends: [127.0.0.1:{{file.Port}}]
                proxy_protocol: {send: v1}
              binary:
                bind_address: [127.0.0.1, "::1"]
                port: {{inBinary}}
                backends: [127.0.0.1:{{file.Port}}]
                proxy_protocol: {send: v2}
            """);
        (await first.Run("start", "-d")).Succeeds();

        foreach (var port in ports.Append(inText).Append(inBinary))
        {
            foreach (var host in Hosts)
            {
                var seen = new List<string>();
                for (var i = 0; i < 4; i++)
                    seen.Add(await WhoAmI(host, port));
                // Each in its turn.
                Assert.Equal(["haproxy", "haproxy", "nginx", "nginx"], seen.Order());
            }
        }

        Assert.DoesNotContain("[error]", nginx.Log, StringComparison.Ordinal);
        Assert.Equal(0, Rejected(await bal.Status(), "proxy_header"));
        Assert.Contains(
            "proxy_protocol: clients from 1 range of addresses are who their PROXY header says",
            (await bal.Run("explain")).Succeeds().Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_check_of_HAProxy_with_a_header_passes_whatever_the_lists_say()
    {
        await using var backend = Serving.Named("hello");
        var file = BalFile.For(backend).WithRareProbes() with
        {
            More = "allow: [192.0.2.0/24]\nproxy_protocol: {accept_from: [127.0.0.1]}",
        };
        await using var bal = await BalInstance.Healthy(output, file);
        var tried = Ports.Free();
        await using var haproxy = await HaProxyServer.Start(
            $"""
            backend local
              option tcp-check
              tcp-check expect string hello
              server bal 127.0.0.1:{file.Port} check inter 50 fall 1 check-send-proxy send-proxy-v2
            frontend tried
              bind 127.0.0.1:{tried}
              default_backend local
            """,
            tried);
        await Eventually.Holds("checks have come", () => backend.Accepted > 5);
        using (var denied = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            // The same proxy for a client of its own.
            await denied.ConnectAsync(IPAddress.Loopback, tried);
            await denied.ReadToEnd();
        }

        Assert.Equal(1, Rejected(await bal.Status(), "denied"));
        var log = await haproxy.Stop();
        Assert.DoesNotContain("is DOWN", log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public async Task Checks_that_servers_notice_and_doctor_leave_no_error_with_those_that_expect_a_header(
        string version)
    {
        var (nginxAt, haproxyAt) = (Ports.Free(), Ports.Free());
        await using var nginx = await Nginx.Start(
            "", $$"""server { listen 127.0.0.1:{{nginxAt}} proxy_protocol; return 200 "x"; }""", nginxAt);
        await using var haproxy = await HaProxyServer.Start(
            $"frontend f\n  bind 127.0.0.1:{haproxyAt} accept-proxy", haproxyAt);
        var file = BalFile.For(nginxAt, haproxyAt).With("health_check_interval_ms", 20) with
        {
            HealthCheck = "tcp_full",
            More = $"proxy_protocol: {{send: {version}}}",
        };
        await using var bal = await BalInstance.Healthy(output, file);
        (await bal.Run("doctor")).Succeeds();
        await Eventually.Holds("nginx has been checked", () => nginx.Log.Split('\n').Length > 5);

        Assert.DoesNotContain("[error]", nginx.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("broken header", nginx.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("PROXY protocol header", await haproxy.Stop(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_is_not_in_accept_from_cannot_pretend_to_be_another()
    {
        var got = new TaskCompletionSource<Received>();
        await using var backend = Serving.Receiving(got);
        var file = BalFile.For(backend).WithRareProbes() with
        {
            Bind = "::",
            More = "deny: [10.1.2.3]\nproxy_protocol: {accept_from: [127.0.0.9], send: v1}",
        };
        await using var bal = await BalInstance.Healthy(output, file);
        const string Claim = "PROXY TCP4 10.1.2.3 10.1.2.4 1000 2000\r\n";

        // From where it is believed it is denied.
        using (var proxy = await From("127.0.0.9", "127.0.0.1", bal.File.Port))
        {
            await proxy.Write(Encoding.ASCII.GetBytes(Claim));
            Assert.Equal(Ending.Reset, (await proxy.ReadToEnd()).Ending);
        }

        using var stranger = await From("127.0.0.1", "127.0.0.1", bal.File.Port);
        await stranger.Write(Encoding.ASCII.GetBytes(Claim));
        stranger.Shutdown(SocketShutdown.Send);
        var own = (IPEndPoint)stranger.LocalEndPoint!;
        Assert.Equal(
            $"PROXY TCP4 127.0.0.1 127.0.0.1 {own.Port} {bal.File.Port}\r\n{Claim}",
            Encoding.ASCII.GetString((await got.Task.WaitAsync(Eventually.Patience)).Bytes));
        Assert.Equal(1, Rejected(await bal.Status(), "denied"));
    }

    [Fact]
    public async Task No_client_is_lost_when_reloads_and_upgrades_change_who_is_believed_and_what_is_sent()
    {
        await using var backend = Serving.Echo();
        using var installed = new InstalledBal();
        var last = Ports.Free();
        await using var haproxy = await HaProxyServer.Start(
            $"""
            listen last
              bind 127.0.0.1:{last} accept-proxy
              option dontlog-normal
              server echo {backend.Address}
            """,
            last);
        var behind = BalFile.For(last) with
        {
            HealthCheck = "tcp_full",
            More = "proxy_protocol: {accept_from: [127.0.0.1], send: v2}",
        };
        var before = BalFile.For(behind.Port) with { More = "proxy_protocol: {send: v1}" };
        await using var second = await BalInstance.Healthy(output, behind, installed.Path);
        await using var first = await BalInstance.Healthy(output, before, installed.Path);
        await using var load = new Load(first, coming: 6, staying: 2);
        await load.GoesOn();

        await first.Reload(before with { More = "proxy_protocol: {send: v2}" });
        await load.GoesOn();
        await second.Reload(behind with { More = "proxy_protocol: {accept_from: [127.0.0.0/8, \"::1\"], send: v1}" });
        await load.GoesOn();
        (await second.Run("upgrade")).Succeeds();
        await load.GoesOn();
        (await first.Run("upgrade")).Succeeds();
        await second.Reload(behind);
        await load.GoesOn();

        await load.End();
        Assert.Equal(0, Rejected(await second.Status(), "proxy_header"));
        Assert.DoesNotContain("PROXY", await haproxy.Stop(), StringComparison.Ordinal);
    }

    /// <summary>Which server answers; it has to say the address and port that this client has.</summary>
    private static async Task<string> WhoAmI(string host, int port)
    {
        var address = host == "::1" ? host : "127.0.0.7";
        using var client = await From(address, host, port);
        await client.Write("GET / HTTP/1.0\r\n\r\n"u8.ToArray());
        var answer = Encoding.ASCII.GetString((await client.ReadToEnd()).Bytes);
        var said = answer[(answer.LastIndexOf('\n') + 1)..].Split(": ", 2);
        Assert.True(said.Length == 2, answer);
        Assert.Equal($"{address} {((IPEndPoint)client.LocalEndPoint!).Port}", said[1]);
        return said[0];
    }

    private static async Task<Socket> From(string address, string host, int port)
    {
        var source = IPAddress.Parse(address);
        var socket = new Socket(source.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(source, 0));
        await socket.ConnectAsync(IPAddress.Parse(host), port);
        return socket;
    }

    private static long Rejected(Status status, string reason) =>
        status.Root.GetProperty("rejected").GetProperty(reason).GetInt64();
}
