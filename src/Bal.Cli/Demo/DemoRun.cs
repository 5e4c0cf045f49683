using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.Hosting;
using Bal.Infrastructure.Logging;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Cli.Demo;

/// <summary>
/// The demo: real backends, the real balancer and real connections on loopback, with an account of what happens. It
/// lives in a BAL_HOME of its own, which it removes.
/// </summary>
internal sealed class DemoRun(Output output) : IDisposable
{
    /// <summary>How long it runs when not on a terminal.</summary>
    public const int DefaultSeconds = 12;

    /// <summary>One turn of a demo without an end: a backend is killed, and later revived.</summary>
    private const int TurnSeconds = 12;

    private readonly DemoBackend[] backends = [new("A"), new("B"), new("C")];
    private readonly BalHome home = new(Path.Combine(
        Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"bal-demo-{Environment.ProcessId}")));
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly Lock speaking = new();
    private int totalServed;
    private int totalFailed;

    /// <summary>Runs for the given number of seconds, or until it is interrupted.</summary>
    /// <returns>The exit code, or why it could not start.</returns>
    public Either<Problem, int> Run(Option<int> seconds)
    {
        foreach (var backend in backends)
            backend.Start();
        var port = FreePort(ConfigValidation.DefaultPort);
        return home.Ensure().Bind(_ =>
        {
            File.WriteAllText(home.ConfigFile, ConfigText(port));
            Introduce(port);
            return Serve(port, seconds);
        });
    }

    public void Dispose()
    {
        foreach (var backend in backends)
            backend.Dispose();
        if (Directory.Exists(home.Root))
            Directory.Delete(home.Root, recursive: true);
    }

    private Either<Problem, int> Serve(int port, Option<int> seconds)
    {
        using var log = LogPipeline.ToFile(home.LogFile, LogLevel.Info).Match(
            Right: file => file, Left: _ => LogPipeline.ToStderr(LogLevel.Error));
        using var stop = new CancellationTokenSource();
        using var accepting = new ManualResetEventSlim();
        var story = new Thread(() => Tell(port, seconds, accepting, stop)) { IsBackground = true, Name = "demo" };
        story.Start();
        // The balancer takes this thread, as it does in `bal start`; its decisions are told as they are made.
        var result = Server.Run(new ServerOptions(
            home, home.ConfigFile, CommandLine.Version, Readiness.FromEnvironment(), log)
        {
            Watch = line =>
            {
                if (line.Event == "started")
                    accepting.Set();
                Say("bal", line.Message);
            },
            Stop = stop.Token,
        });
        stop.Cancel();
        accepting.Set();
        story.Join();
        if (result.IsRight)
            Say("demo", $"end: {totalServed} requests served, {totalFailed} failed");
        return result;
    }

    private void Tell(int port, Option<int> seconds, ManualResetEventSlim accepting, CancellationTokenSource stop)
    {
        accepting.Wait();
        var clients = new DemoClients(new IPEndPoint(IPAddress.Loopback, port));
        using var leave = new CancellationTokenSource();
        var traffic = clients.RunAsync(leave.Token);
        var turn = seconds.Match(Some: n => Math.Max(n, 4), None: () => TurnSeconds);
        for (var second = 1; !stop.IsCancellationRequested && second <= seconds.IfNone(int.MaxValue); second++)
        {
            stop.Token.WaitHandle.WaitOne(TimeSpan.FromSeconds(1));
            Report(clients);
            Act(second % turn, turn, backends[(1 + second / turn) % backends.Length]);
        }

        // Clients stop first, so that no request fails when the balancer stops.
        leave.Cancel();
        traffic.Wait();
        Report(clients);
        stop.Cancel();
    }

    private void Act(int second, int turn, DemoBackend backend)
    {
        if (second == turn / 4 && backend.Alive)
        {
            Say("demo", $"backend {backend.Name} is killed");
            backend.Kill();
        }
        else if (second == turn / 4 * 2 && !backend.Alive)
        {
            Say("demo", $"backend {backend.Name} is started again");
            backend.Start();
        }
    }

    private void Report(DemoClients clients)
    {
        var (served, failed) = clients.Take();
        if (served.Count == 0 && failed == 0)
            return;
        totalServed += served.Values.Sum();
        totalFailed += failed;
        var shares = string.Join("  ", backends.Select(b => $"{b.Name} {served.GetValueOrDefault(b.Name),3}"));
        Say("clients", $"{served.Values.Sum(),3} served, {failed} failed   {shares}");
    }

    private void Introduce(int port)
    {
        output.Write($"""
            bal demo: three backends on loopback behind one balancer; one of them will be killed and started again.
            Every client request opens a new connection to 127.0.0.1:{port}. Join in from another terminal:
              curl http://127.0.0.1:{port}/
              BAL_HOME={home.Root} bal status --verbose

            """);
        foreach (var backend in backends)
            output.Write($"  backend {backend.Name} is 127.0.0.1:{backend.Port}\n");
        output.Write("\n");
    }

    private void Say(string who, string what)
    {
        lock (speaking)
        {
            output.Write(string.Create(
                CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds,6:0.0}s  {who,-7}  {what}\n"));
        }
    }

    private string ConfigText(int port) =>
        $"port: {port}\nbind_address: \"127.0.0.1\"\nbackends:\n"
        + string.Concat(backends.Select(b => $"  - host: \"127.0.0.1\"\n    port: {b.Port}\n"));

    private static int FreePort(int wanted)
    {
        foreach (var port in new[] { wanted, 0 })
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return ((IPEndPoint)socket.LocalEndPoint!).Port;
            }
            catch (SocketException)
            {
                // The port is taken: let the kernel choose another one.
            }
        }

        return wanted;
    }
}
