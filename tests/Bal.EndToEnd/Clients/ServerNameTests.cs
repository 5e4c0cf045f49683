using System.Net.Security;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;
using Bal.EndToEnd.Servers;
using Bal.EndToEnd.Upgrading;

namespace Bal.EndToEnd.Clients;

/// <summary>Several services on one address, with real TLS clients (docs/behaviour.md, Names in TLS).</summary>
public sealed class ServerNameTests(ITestOutputHelper output)
{
    private const string Shop = "shop.example.org";
    private const string Api = "api.example.org";
    private const string Rest = "rest.example.org";

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Curl_and_openssl_get_the_site_that_they_ask_for_with_its_certificate(int threads)
    {
        await using var sites = await TlsSites.Start(Shop, Api, Rest);
        var file = Three(sites) with { Threads = threads };
        await using var bal = await BalInstance.Healthy(output, file);

        foreach (var (asked, site) in new[]
            { (Shop, Shop), (Shop.ToUpperInvariant(), Shop), ($"v1.{Api}", Api), ($"x.{Rest}", Rest) })
        {
            // The certificate is the site's own: were bal in between, curl would refuse it.
            var answer = (await Command.Run("curl", "-sSf", "--cacert", sites.CertificateOf(site), "--resolve",
                $"{asked}:{file.Port}:127.0.0.1", $"https://{asked}:{file.Port}/")).Succeeds();
            Assert.Equal($"this is {site}", answer.Out);
        }

        foreach (var (arguments, site) in new[]
        {
            ($"-servername {Shop} -tls1_3", Shop), ($"-servername {Shop} -tls1_2", Shop),
            ($"-servername {Shop} -tls1 -cipher ALL:@SECLEVEL=0", ""), ($"-servername a.{Api}", Api),
            ($"-servername a.b.{Api}", Rest), ($"-servername {Api}", Rest), ("-noservername", Rest),
            ($"-servername {Shop} -alpn http/1.1", Shop),
        })
        {
            var ended = await Command.Run(
                "openssl", ["s_client", "-connect", $"127.0.0.1:{file.Port}", .. arguments.Split(' ')]);
            if (site.Length > 0)
                Assert.Contains($"CN = {site}", ended.Out, StringComparison.Ordinal);
        }

        var status = await bal.SeeStatus("all have ended", s => s.Active == 0);
        // TLS 1.0 is refused by the site, not by bal, and by the right one.
        Assert.Equal((6, 2, 4), (Total(status, sites, Shop), Total(status, sites, Api), Total(status, sites, Rest)));
    }

    [Fact]
    public async Task Where_no_service_takes_the_others_they_are_reset_and_counted_with_the_first()
    {
        await using var sites = await TlsSites.Start(Shop, Api);
        var file = new SharedFile(Ports.Free(), ("shop", Shop, sites[Shop]), ("api", $"*.{Api}", sites[Api]));
        await using var bal = await BalInstance.Healthy(output, file);

        (await Get(sites, file.Port, Shop, Shop)).Succeeds();
        // 35: the TLS handshake was reset.
        (await Get(sites, file.Port, "else.example.org", Shop)).FailsWith(35);

        var status = await bal.Status();
        Assert.Equal([1L, 0L], Services(status).Select(s =>
            s.GetProperty("rejected").GetProperty("server_name").GetInt64()));
        Assert.Equal(1, Services(status)[0].GetProperty("terminations").GetProperty("rejected_server_name").GetInt64());
        (await bal.Run("status", "--exit-code")).Succeeds();
    }

    [Fact]
    public async Task The_line_of_a_connection_has_the_name_that_its_client_asked_for()
    {
        await using var sites = await TlsSites.Start(Shop, Api, Rest);
        var file = Three(sites) with { AccessLog = "access.log" };
        await using var bal = await BalInstance.Healthy(output, file);

        (await Get(sites, file.Port, Shop.ToUpperInvariant(), Shop)).Succeeds();
        (await Insecurely(file.Port, "else.example.org")).Succeeds();
        (await Command.Run("openssl", "s_client", "-connect", $"127.0.0.1:{file.Port}", "-noservername")).Succeeds();

        var log = Path.Combine(bal.Home, "access.log");
        var lines = await Eventually.See(
            "three lines", () => File.ReadAllLines(log), lines => lines.Length == 3);
        // A line comes with the end of its connection, and bal may see those of two clients in either order.
        Assert.Equal(
            ["rest ", "rest else.example.org", $"shop {Shop}"],
            lines.Select(line => JsonDocument.Parse(line).RootElement).Select(line =>
                $"{line.GetProperty("service").GetString()} {line.GetProperty("server_name").GetString()}")
                .Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_slow_client_gets_its_site_and_a_silent_one_the_service_without_names()
    {
        await using var sites = await TlsSites.Start(Shop);
        // It speaks first, as MySQL and SMTP do.
        await using var greeter = Serving.Named("220 hello");
        var file = new SharedFile(Ports.Free(), ("shop", Shop, sites[Shop]), ("rest", "", greeter.Port));
        await using var bal = await BalInstance.Healthy(output, file);

        using var silent = await bal.Connect();
        using var socket = await bal.Connect();
        await using var slow = new SslStream(
            new SmallWrites(new NetworkStream(socket)), false, (_, certificate, _, _) =>
                certificate!.Subject == $"CN={Shop}");
        await slow.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = Shop,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        });
        await slow.WriteAsync(Encoding.ASCII.GetBytes($"GET / HTTP/1.0\r\nHost: {Shop}\r\n\r\n"));
        Assert.Contains($"this is {Shop}", await new StreamReader(slow).ReadToEndAsync(), StringComparison.Ordinal);

        Assert.Equal("220 hello"u8.ToArray(), await silent.Read(9));
    }

    [Fact]
    public async Task Psql_which_asks_for_TLS_in_clear_text_gets_the_service_without_names()
    {
        var postgres = new PostgresServer();
        await postgres.InitializeAsync();
        try
        {
            await using var sites = await TlsSites.Start(Shop);
            var file = new SharedFile(Ports.Free(), ("shop", Shop, sites[Shop]), ("db", "", postgres.Port));
            await using var bal = await BalInstance.Healthy(output, file);
            // It is older: had psql to wait, this one would be served first.
            using var silent = await bal.Connect();
            await bal.SeeStatus("it is there", s => s.Active == 1);

            var answer = (await PostgresServer.Client("psql", file.Port, "-At", "-c", "SELECT 6 * 7")).Succeeds();
            Assert.Equal("42", answer.Out.Trim());
            Assert.Equal(1, (await bal.Status()).Of($"127.0.0.1:{postgres.Port}").Total);

            (await Get(sites, file.Port, Shop, Shop)).Succeeds();
        }
        finally
        {
            await postgres.DisposeAsync();
        }
    }

    /// <summary>
    /// As PostgreSQL from version 17 on does it (sslnegotiation=direct): TLS from the first byte, with a protocol (RFC
    /// 7301) that the server insists on.
    /// </summary>
    [Fact]
    public async Task TLS_with_the_protocol_of_PostgreSQL_gets_the_database_of_its_name()
    {
        await using var sites = await TlsSites.Start(Shop);
        var port = Ports.Free();
        await using var database = Command.Start("openssl",
            ["s_server", "-accept", $"127.0.0.1:{port}", "-cert", sites.CertificateOf(Shop), "-key",
                sites.KeyOf(Shop), "-alpn", "postgresql", "-quiet"]);
        var file = new SharedFile(Ports.Free(), ("db", "db.example.org", port), ("rest", "", sites[Shop]));
        await using var bal = await BalInstance.Healthy(output, file);

        var asked = await Command.Run("openssl", "s_client", "-connect", $"127.0.0.1:{file.Port}", "-servername",
            "db.example.org", "-alpn", "postgresql");
        Assert.Contains("ALPN protocol: postgresql", asked.Out, StringComparison.Ordinal);
        Assert.Equal(1, (await bal.Status()).Of($"127.0.0.1:{port}").Total);
    }

    [Fact]
    public async Task A_reload_moves_names_and_every_command_knows_who_has_which()
    {
        await using var sites = await TlsSites.Start(Shop, Api, Rest);
        var three = Three(sites);
        await using var bal = await BalInstance.Healthy(output, three);

        Assert.Equal(
            [$"[\"{Shop}\"]", $"[\"*.{Api}\"]", "[]"],
            Services(await bal.Status()).Select(s => string.Concat(
                s.GetProperty("server_names").GetRawText().Where(c => !char.IsWhiteSpace(c)))));
        Assert.Contains($"server_names: {Shop}; api, rest on the same address",
            (await bal.Run("explain", "shop")).Succeeds().Out, StringComparison.Ordinal);
        Assert.Contains("server_names: none, for clients that ask for no name of shop, api",
            (await bal.Run("explain", "rest")).Succeeds().Out, StringComparison.Ordinal);
        (await bal.Run("ready", "--backends", "shop", "api", "rest")).Succeeds();
        var check = (await bal.Run("check", "--json")).Succeeds().Out;
        Assert.Contains("\"service_count\": 3", check, StringComparison.Ordinal);
        Assert.Contains("held by the running daemon", (await bal.Run("doctor", "--verbose")).Out,
            StringComparison.Ordinal);

        // The API gets the shop's name, and the shop is gone.
        var two = new SharedFile(three.Port, ("api", Shop, sites[Api]), ("rest", "", sites[Rest]));
        bal.Write(two);
        var preview = (await bal.Run("graceful", "--dry-run")).Succeeds().Out;
        Assert.Contains($"services.api.server_names *.{Api} -> {Shop}", preview, StringComparison.Ordinal);
        Assert.Contains("service shop removed", preview, StringComparison.Ordinal);
        Assert.Equal($"this is {Shop}", (await Get(sites, three.Port, Shop, Shop)).Succeeds().Out);
        (await bal.Run("graceful")).Succeeds();

        Assert.Equal($"this is {Api}", (await Insecurely(three.Port, Shop)).Succeeds().Out);
        Assert.Equal($"this is {Rest}", (await Insecurely(three.Port, $"v1.{Api}")).Succeeds().Out);
        var ready = (await bal.Run("ready", "--backends", "shop")).FailsWith(1);
        Assert.Contains("no service is called 'shop'", ready.Out, StringComparison.Ordinal);

        // What cannot be told apart is refused, and the names go on as they were.
        bal.Write(new SharedFile(three.Port, ("api", "", sites[Api]), ("rest", "", sites[Rest])));
        Assert.Contains("is already the address of services.api", (await bal.Run("graceful")).FailsWith(1).Error,
            StringComparison.Ordinal);
        Assert.Equal($"this is {Api}", (await Insecurely(three.Port, Shop)).Succeeds().Out);
    }

    [Fact]
    public async Task An_upgrade_goes_on_with_the_names_and_with_who_has_yet_to_say_one()
    {
        await using var sites = await TlsSites.Start(Shop, Api, Rest);
        var file = Three(sites);
        using var installed = new InstalledBal();
        await using var bal = await BalInstance.Healthy(output, file, installed.Path);
        using var undecided = await bal.Connect();
        await bal.SeeStatus("it is there", s => s.Active == 1);

        (await bal.Run("upgrade")).Succeeds();
        Assert.Equal($"this is {Shop}", (await Get(sites, file.Port, Shop, Shop)).Succeeds().Out);
        Assert.Equal($"this is {Rest}", (await Insecurely(file.Port, "else")).Succeeds().Out);

        // The old process has not forgotten it.
        await using var late = new SslStream(new NetworkStream(undecided), false, (_, certificate, _, _) => true);
        await late.AuthenticateAsClientAsync(Rest);
        Assert.Contains(Rest, late.RemoteCertificate!.Subject, StringComparison.Ordinal);
    }

    private static SharedFile Three(TlsSites sites) => new(
        Ports.Free(), ("shop", Shop, sites[Shop]), ("api", $"*.{Api}", sites[Api]), ("rest", "", sites[Rest]));

    private static Task<Finished> Get(TlsSites sites, int port, string name, string site) => Command.Run(
        "curl", "-sSf", "--cacert", sites.CertificateOf(site), "--resolve", $"{name}:{port}:127.0.0.1",
        $"https://{name}:{port}/");

    private static Task<Finished> Insecurely(int port, string name) => Command.Run(
        "curl", "-sSkf", "--resolve", $"{name}:{port}:127.0.0.1", $"https://{name}:{port}/");

    private static long Total(Status status, TlsSites sites, string site) =>
        status.Of($"127.0.0.1:{sites[site]}").Total;

    private static JsonElement[] Services(Status status) =>
        [.. status.Root.GetProperty("services").EnumerateArray()];

    /// <summary>Services on one port, each with its names, separated by spaces, and the port of its backend.</summary>
    private sealed record SharedFile(int Port, params (string Name, string Names, int Backend)[] Services)
        : BalFile(Port)
    {
        public int Threads { get; init; } = 2;

        public string? AccessLog { get; init; }

        public override string ToString() => (AccessLog is null ? "" : $"access_log: {AccessLog}\n")
            + $"runtime: {{threads: {Threads}}}\nservices:\n" + string.Concat(
            Services.Select(service =>
                $"  {service.Name}:\n    port: {Port}\n    bind_address: 127.0.0.1\n"
                + (service.Names.Length == 0 ? "" : "    server_names: ["
                    + string.Join(", ", service.Names.Split(' ').Select(name => $"\"{name}\"")) + "]\n")
                + $"    backends: [\"127.0.0.1:{service.Backend}\"]\n"));
    }

    /// <summary>Sends each byte in a segment of its own.</summary>
    private sealed class SmallWrites(NetworkStream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.ReadAsync(buffer, cancellationToken);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count)
        {
            for (var i = 0; i < count; i++)
                inner.Write(buffer, offset + i, 1);
        }

        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            for (var i = 0; i < buffer.Length; i++)
                await inner.WriteAsync(buffer.Slice(i, 1), cancellationToken);
        }

        protected override void Dispose(bool disposing) => inner.Dispose();
    }
}
