using System.Diagnostics;
using System.Globalization;
using Bal.Soak;

// Everything mixed, for as long as it is told: see scripts/soak.sh.
const int Threads = 2;
const int Limit = 300;
const int Hands = 40;
const int IdleTimeoutMs = 8_000;

if (!TryParse(args, out var seconds, out var seed))
{
    Console.Error.WriteLine("usage: Bal.Soak [--seconds N] [--seed N], with at least 10 seconds");
    return 64;
}

var clock = Stopwatch.StartNew();
var ledger = new Ledger();
var backends = Enumerable.Range(0, 4).Select(_ => new SoakBackend(ledger)).ToArray();
var file = new BalFile(Ports.Free(), [.. backends.Select(b => b.Address)]) { LogLevel = "info" }
    .With("threads", Threads).With("relay", "auto").With("max_concurrent_connections", Limit)
    .With("connection_idle_timeout_ms", IdleTimeoutMs).With("health_check_interval_ms", 200)
    .With("health_check_timeout_ms", 2_000).With("backend_connect_timeout_ms", 400)
    .With("failover_backoff_max_ms", 400).With("backend_cooldown_ms", 100);
Console.WriteLine($"soak: {seconds} s of {Hands} clients at a time against {BalBinary.Path}, seed {seed}");
try
{
    await using var bal = await BalInstance.Healthy(new Quiet(), file);
    var balancer = new Balancer(bal, ledger, backends, file);
    var clients = new Clients(ledger, () => bal.Endpoint, IdleTimeoutMs);
    var trend = new Trend(() => bal.Pid, Threads);
    var upgrades = await balancer.CanUpgrade();
    var schedule = new Schedule(balancer, ledger, backends, Limit, upgrades, seed);
    var rounds = Math.Clamp(seconds / 15, 2, 15);
    // A process that has taken over is what most of the samples will be of.
    if (upgrades)
        await balancer.Upgrade();
    await balancer.SeeOneProcess();
    await trend.Take(ledger);
    for (var round = 0; round < rounds; round++)
    {
        var until = TimeSpan.FromSeconds((double)seconds * (round + 1) / rounds);
        using var over = new CancellationTokenSource();
        var running = clients.Run(Hands, round, over.Token);
        await schedule.Run(() => clock.Elapsed < until, round);
        await over.CancelAsync();
        await running;
        await bal.SeeStatus("no connection is left", s => s.Active == 0 && s.Backends.All(b => b.Active == 0));
        // Samples are compared: each is of a process that has taken over.
        if (upgrades)
            await balancer.Upgrade();
        await balancer.SeeOneProcess();
        await Eventually.Holds("no backend has a connection left", () => backends.All(b => b.Open == 0));
        await trend.Take(ledger);
    }

    trend.Judge(ledger);
    (await bal.Run("stop")).Succeeds();
    balancer.ReadLog(bal.LogPath);
    foreach (var (line, count) in balancer.LogEvents)
        Console.WriteLine($"  log: {count,8} {line}");
}
catch (Exception e)
{
    ledger.Unexpected($"the soak itself: {e}");
}

foreach (var backend in backends)
    await backend.DisposeAsync();
foreach (var (what, count) in ledger.Counts)
    Console.WriteLine($"  {count,12} {what}");
Console.WriteLine($"soak {(ledger.Failures == 0 ? "passed" : "FAILED")}: {clock.Elapsed.TotalSeconds:0} s, " +
    $"{ledger.Streams} streams, {ledger.Bytes / 1e9:0.00} GB verified, {ledger.CountOf("WRONG BYTES")} with wrong "
    + $"bytes, " +
    $"{ledger.Failures} unexpected");
return ledger.Failures == 0 ? 0 : 1;

static bool TryParse(string[] arguments, out int seconds, out int seed)
{
    (seconds, seed) = (1_800, Environment.TickCount & 0xFFFFFF);
    for (var i = 0; i < arguments.Length; i += 2)
    {
        if (i + 1 >= arguments.Length
            || !int.TryParse(arguments[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return false;
        if (arguments[i] == "--seconds")
            seconds = number;
        else if (arguments[i] == "--seed")
            seed = number;
        else
            return false;
    }

    return seconds >= 10;
}
