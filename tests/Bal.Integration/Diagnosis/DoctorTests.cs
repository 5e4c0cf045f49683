using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Bal.Domain.Config;
using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
using Bal.Infrastructure.Diagnosis;
using Bal.Infrastructure.Json;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Integration.Diagnosis;

/// <summary>Doctor against real sockets and directories; everything on loopback, ports from the kernel.</summary>
public sealed class DoctorTests : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("bal-doctor-").FullName;
    private readonly TcpListener _backend = Listening(IPAddress.Loopback);

    public void Dispose()
    {
        _backend.Dispose();
        Directory.Delete(_home, recursive: true);
    }

    [Fact]
    public async Task A_free_port_and_an_answering_backend_are_ok()
    {
        var report = await Examine(FreePort(), [PortOf(_backend)]);
        Assert.Equal(CheckLevel.Ok, Level(report, CheckName.Bind));
        Assert.Equal(CheckLevel.Ok, Level(report, CheckName.Backend));
        Assert.Equal(CheckLevel.Ok, Level(report, CheckName.Home));
        Assert.Equal(CheckLevel.Ok, Level(report, CheckName.Log));
    }

    [Theory]
    [InlineData("new.ndjson", DecisionLogState.Usable)]
    [InlineData("decisions.ndjson", DecisionLogState.Usable)]
    [InlineData("empty.ndjson", DecisionLogState.Usable)]
    [InlineData("notes.txt", DecisionLogState.Foreign)]
    [InlineData("link", DecisionLogState.NotRegular)]
    [InlineData("", DecisionLogState.NotRegular)]
    [InlineData("missing/new.ndjson", DecisionLogState.NoDirectory)]
    public void A_decision_log_is_looked_at_without_being_made(string name, DecisionLogState state)
    {
        File.WriteAllText(Path.Combine(_home, "decisions.ndjson"), "{\"decision_log\":1,\n");
        File.WriteAllText(Path.Combine(_home, "empty.ndjson"), "");
        File.WriteAllText(Path.Combine(_home, "notes.txt"), "remember the milk\n");
        File.CreateSymbolicLink(Path.Combine(_home, "link"), Path.Combine(_home, "decisions.ndjson"));

        Assert.Equal(state,
            MachineFacts.DecisionLog(Path.Combine(_home, name), new Infrastructure.Process.BalHome(_home)).State);
        Assert.False(File.Exists(Path.Combine(_home, "new.ndjson")));
    }

    [Fact]
    public async Task A_port_that_another_process_listens_on_is_critical_and_names_it()
    {
        using var other = Listening(IPAddress.Loopback);
        var report = await Examine(PortOf(other), [PortOf(_backend)]);
        var bind = report.Checks.Single(c => c.Name == CheckName.Bind);
        Assert.Equal(CheckLevel.Critical, bind.Level);
        Assert.Contains($"(pid={Environment.ProcessId})", bind.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reuseport_listener_of_a_stranger_is_found_although_it_would_let_others_in()
    {
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.SetRawSocketOption(1, 15 /* SO_REUSEPORT */, BitConverter.GetBytes(1));
        other.Bind(new IPEndPoint(IPAddress.Any, 0));
        other.Listen();
        var report = await Examine(((IPEndPoint)other.LocalEndPoint!).Port, [PortOf(_backend)]);
        Assert.Equal(CheckLevel.Critical, Level(report, CheckName.Bind));
    }

    [Fact]
    public async Task The_listener_of_the_running_daemon_is_no_fault()
    {
        using var own = Listening(IPAddress.Any);
        var report = await Examine(
            PortOf(own), [PortOf(_backend)], new PidFact.Held(Prelude.Some(Environment.ProcessId)));
        Assert.Equal(CheckLevel.Ok, Level(report, CheckName.Bind));
    }

    [Fact]
    public async Task An_address_of_no_interface_is_critical()
    {
        var report = await Examine(FreePort(), [PortOf(_backend)], bind: IPAddress.Parse("192.0.2.1"));
        Assert.Contains("no interface", report.ToText(), StringComparison.Ordinal);
        Assert.Equal(CheckLevel.Critical, Level(report, CheckName.Bind));
    }

    [Fact]
    public async Task A_refusing_backend_warns_beside_one_that_answers_and_is_critical_alone()
    {
        var closed = FreePort();
        var beside = await Examine(FreePort(), [PortOf(_backend), closed]);
        Assert.Equal([CheckLevel.Ok, CheckLevel.Warn], Levels(beside));
        var alone = await Examine(FreePort(), [closed]);
        Assert.Equal([CheckLevel.Critical], Levels(alone));
    }

    [Theory]
    [InlineData(ProxyVersion.None, "")]
    [InlineData(ProxyVersion.V1, "PROXY UNKNOWN\r\n")]
    [InlineData(ProxyVersion.V2, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0")]
    public async Task A_backend_that_expects_a_PROXY_header_gets_one_for_nobody(ProxyVersion version, string expected)
    {
        using var backend = Listening(IPAddress.Loopback);
        var config = Config(
            FreePort(), IPAddress.Loopback, [new Endpoint(new Host.Address(IPAddress.Loopback), PortOf(backend))]);
        var proxy = ProxyProtocol.Off with { Send = version };
        config = config with { Services = config.Services.Map(service => service with { Proxy = proxy }) };
        Assert.Equal([CheckLevel.Ok], Levels(Doctor.Examine(Inputs(config, new PidFact.Absent()))));

        using var seen = await backend.AcceptSocketAsync();
        using var reader = new StreamReader(new NetworkStream(seen), Encoding.ASCII);
        Assert.Equal(expected, await reader.ReadToEndAsync());
    }

    [Fact]
    public async Task Many_silent_backends_are_probed_together_and_bounded_by_their_timeout()
    {
        // A listener whose queue is full drops SYNs: to the client that is a host that does not answer.
        using var silent = Listening(IPAddress.Loopback, backlog: 0);
        using var filler = new QueueFiller((IPEndPoint)silent.LocalEndpoint);
        var started = Stopwatch.GetTimestamp();
        var report = await Examine(FreePort(), [.. Enumerable.Repeat(PortOf(silent), 40)], timeout: 300);
        Assert.All(Levels(report), level => Assert.Equal(CheckLevel.Critical, level));
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalMilliseconds, 300, 5_000);
        Assert.Contains("did not answer within 300 ms", report.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public void Localhost_is_reached_by_whichever_of_its_addresses_answers()
    {
        var config = Config(
            FreePort(), IPAddress.Loopback, [new Endpoint(new Host.Name("localhost"), PortOf(_backend))]);
        var report = Doctor.Examine(Inputs(config, new PidFact.Absent()));
        Assert.Equal([CheckLevel.Ok], Levels(report));
    }

    [Fact]
    public async Task The_json_form_has_the_documented_keys()
    {
        var report = await Examine(FreePort(), [FreePort()]);
        using var json = JsonDocument.Parse(DoctorJson.Write(report));
        var checks = json.RootElement.GetProperty("checks").EnumerateArray().ToArray();
        Assert.Equal(report.Checks.Count, checks.Length);
        Assert.All(checks, check =>
        {
            Assert.Contains(check.GetProperty("level").GetString(), new[] { "ok", "warn", "critical" });
            Assert.False(string.IsNullOrEmpty(check.GetProperty("summary").GetString()));
            Assert.True(check.TryGetProperty("hint", out _));
        });
        var backend = checks.Single(c => c.GetProperty("name").GetString() == "backend");
        Assert.Equal("critical", backend.GetProperty("level").GetString());
        var protection = json.RootElement.GetProperty("protection_mode");
        Assert.False(protection.GetProperty("enabled").GetBoolean());
        Assert.Equal(JsonValueKind.Null, protection.GetProperty("reason").ValueKind);
    }

    [Fact]
    public async Task Examining_leaves_nothing_in_the_home_directory()
    {
        await Examine(FreePort(), [PortOf(_backend)]);
        Assert.Empty(Directory.GetFileSystemEntries(_home));
    }

    private Task<DoctorReport> Examine(
        int port, int[] backends, PidFact? pid = null, IPAddress? bind = null, int timeout = 800) =>
        Task.FromResult(Doctor.Examine(Inputs(
            Config(
                port,
                bind ?? IPAddress.Loopback,
                [.. backends.Select(p => new Endpoint(new Host.Address(IPAddress.Loopback), p))],
                timeout),
            pid ?? new PidFact.Absent())));

    private DoctorInputs Inputs(BalConfig config, PidFact pid) => new(
        _home,
        Path.Combine(_home, "bal.log"),
        new ConfigFact.Read("config.yaml", new ConfigOutcome(Prelude.Some(config), Arr<Finding>.Empty)),
        pid,
        new ControlFact.NotAsked());

    private static BalConfig Config(int port, IPAddress bind, Endpoint[] backends, int timeout = 800)
    {
        var tuning = Tuning.For(backends.Length);
        return new BalConfig(
            Mode.Simple,
            LogLevel.Info,
            Option<int>.None,
            Prelude.Array(new Service(
                Service.DefaultName,
                new Listener(new Host.Address(bind), port),
                Method.RoundRobin,
                backends.Select(backend => new BackendConfig(backend)).ToArr(),
                tuning with { Health = tuning.Health with { Timeout = new(timeout) } })));
    }

    private static CheckLevel Level(DoctorReport report, string name) =>
        report.Checks.Single(c => c.Name == name).Level;

    private static CheckLevel[] Levels(DoctorReport report) =>
        [.. report.Checks.Where(c => c.Name == CheckName.Backend).Select(c => c.Level)];

    private static TcpListener Listening(IPAddress address, int backlog = 16)
    {
        var listener = new TcpListener(address, 0);
        listener.Start(backlog);
        return listener;
    }

    private static int PortOf(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;

    private static int FreePort()
    {
        using var listener = Listening(IPAddress.Loopback);
        return PortOf(listener);
    }

    /// <summary>Connects until the kernel stops answering, so that the queue stays full while it lives.</summary>
    private sealed class QueueFiller : IDisposable
    {
        private readonly List<Socket> _sockets = [];

        public QueueFiller(IPEndPoint target)
        {
            for (var i = 0; i < 64; i++)
            {
                var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                _sockets.Add(socket);
                var attempt = socket.ConnectAsync(target, CancellationToken.None).AsTask();
                if (!attempt.ContinueWith(_ => { }, TaskScheduler.Default).Wait(TimeSpan.FromMilliseconds(250))) return;
            }

            throw new InvalidOperationException("the listen queue never filled");
        }

        public void Dispose() => _sockets.ForEach(s => s.Dispose());
    }
}
