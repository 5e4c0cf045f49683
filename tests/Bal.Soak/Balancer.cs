using System.Text.Json;

namespace Bal.Soak;

/// <summary>The bal under test and what its operator does: reloads, good and bad, status, log rotation.</summary>
internal sealed class Balancer(BalInstance bal, Ledger ledger, IReadOnlyList<SoakBackend> backends, BalFile start)
{
    private static readonly string[] Modes = ["auto", "copy", "splice"];

    private readonly Dictionary<string, long> _lines = [];
    private long _version = 1;
    private BackendStatus? _first;

    public IEnumerable<KeyValuePair<string, long>> LogEvents => _lines.OrderBy(l => l.Key);

    /// <summary>
    /// Another relay mode, order and choice of backends; the first one, which no fault touches, always stays.
    /// </summary>
    public async Task Reload(Random random)
    {
        var others = backends.Skip(1).OrderBy(_ => random.Next()).Take(random.Next(1, backends.Count));
        bal.Write(start.With("relay", Modes[random.Next(Modes.Length)]) with
        {
            Bind = random.Next(2) == 0 ? "127.0.0.1" : "0.0.0.0",
            Backends = [.. others.Append(backends[0]).Select(b => b.Address)],
        });
        if (random.Next(2) == 0)
            (await bal.Run("graceful")).Succeeds();
        else
            Posix.Signal(bal.Pid, Posix.HangUp);
        _version++;
        await bal.SeeStatus("the reload is applied", s => s.ConfigVersion == _version);
        ledger.Count("reloads");
    }

    public async Task BadReload(Random random)
    {
        var good = await File.ReadAllTextAsync(bal.ConfigPath);
        var bad = random.Next(4) switch
        {
            0 => "",
            1 => good.Replace("port:", "prot:", StringComparison.Ordinal),
            2 => good + "runtime:\n",
            _ => "\0\0\0",
        };
        await File.WriteAllTextAsync(bal.ConfigPath, bad);
        (await bal.Run("graceful")).FailsWith(1);
        await File.WriteAllTextAsync(bal.ConfigPath, good);
        Assert.Equal(_version, (await bal.Status()).ConfigVersion);
        ledger.Count("bad reloads refused");
    }

    /// <summary>Whether this version of bal can be replaced while it runs.</summary>
    public async Task<bool> CanUpgrade() =>
        (await bal.Run("--help")).Out.Contains("upgrade", StringComparison.Ordinal);

    /// <summary>The same binary in place of itself: nobody is refused, and what is known and counted goes on.</summary>
    public async Task Upgrade()
    {
        var old = bal.Pid;
        (await bal.Run("upgrade")).Succeeds();
        // It has read the file again, and whether that counts is its own affair; whatever it began is over after this.
        (await bal.Run("graceful")).Succeeds();
        var status = await bal.SeeStatus("the new process answers", s => s.Pid != old);
        Assert.InRange(status.ConfigVersion, _version + 1, _version + 2);
        _version = status.ConfigVersion;
        ledger.Count("upgrades");
    }

    /// <summary>A stop that waits for nobody for long, and a start.</summary>
    public async Task Restart()
    {
        using (ledger.Fault("bal was stopped and started", endsOpen: true))
        {
            (await bal.Run("stop", "--timeout", "1")).Succeeds();
            await StartAgain();
        }

        ledger.Count("stops and starts");
    }

    /// <summary>A crash, and a start.</summary>
    public async Task KillAndStart()
    {
        using (ledger.Fault("bal was killed and started", endsOpen: true))
        {
            var pid = bal.Pid;
            Posix.Signal(pid, Posix.Kill);
            await Eventually.Holds("it is gone", () => !ProcFs.IsAlive(pid));
            await StartAgain();
        }

        ledger.Count("kills and starts");
    }

    /// <summary>A stop at a moment of an upgrade: afterwards nobody serves.</summary>
    public async Task StopDuringUpgrade(Random random)
    {
        using (ledger.Fault("bal was stopped during an upgrade", endsOpen: true))
        {
            var upgrade = bal.Run("upgrade");
            await Task.Delay(random.Next(500));
            (await bal.Run("stop", "--timeout", "1")).Succeeds();
            _ = await upgrade;
            await StartAgain();
        }

        ledger.Count("stops during an upgrade");
    }

    // It counts from the beginning.
    private async Task StartAgain()
    {
        (await bal.Run("start", "-d")).Succeeds();
        (_version, _first) = (1, null);
        await bal.SeeStatus("every backend is probed", s => s.Backends.All(b => b.State != "down"));
    }

    /// <summary>Waits until every replaced process has ended with its last connection.</summary>
    public Task SeeOneProcess() => bal.SeeStatus("one process is left", s =>
        !s.Root.TryGetProperty("previous", out var previous) || previous.GetArrayLength() == 0);

    /// <summary>Asks for the status; what is counted never goes back, and the limit is never exceeded.</summary>
    public async Task<Status> Look(int limit)
    {
        var status = await bal.Status();
        var first = status.Of(backends[0].Address);
        Assert.InRange(status.Active, 0, limit);
        if (_first is { } before)
        {
            Assert.True(first.Total >= before.Total && first.BytesIn >= before.BytesIn, $"{before} became {first}");
            Assert.True(first.Reachable, $"a backend that never failed is out: {first}");
        }

        _first = first;
        ledger.Count("status reports");
        return status;
    }

    public async Task RotateLog()
    {
        var rotated = bal.LogPath + ".1";
        File.Move(bal.LogPath, rotated);
        Posix.Signal(bal.Pid, Posix.Usr1);
        await Eventually.Holds("the log is there again", () => File.Exists(bal.LogPath));
        // The next line tells that nothing more comes into the old one.
        await bal.SeeStatus("it answers", s => s.Running);
        ReadLog(rotated);
        File.Delete(rotated);
        ledger.Count("log rotations");
    }

    /// <summary>Counts the kinds of lines; each of them must be one JSON object.</summary>
    public void ReadLog(string path)
    {
        foreach (var line in File.ReadLines(path))
        {
            using var json = JsonDocument.Parse(line);
            var level = json.RootElement.GetProperty("level").GetString();
            var name = $"{level} {json.RootElement.GetProperty("event").GetString()}";
            if (level is "WARN" or "ERROR")
                _lines[name] = _lines.GetValueOrDefault(name) + 1;
        }
    }

    /// <summary>More clients than there are places: the surplus is reset and counted, and nobody else is.</summary>
    public async Task Push(int limit)
    {
        const int Surplus = 60;
        var rejected = (await bal.Status()).Rejected;
        var served = new System.Collections.Concurrent.ConcurrentBag<Socket>();
        var reset = 0;
        using (ledger.Fault("bal was full"))
        {
            await Parallel.ForAsync(
                0, limit + Surplus, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (_, _) =>
            {
                if (await Hold() is { } client)
                    served.Add(client);
                else
                    Interlocked.Increment(ref reset);
            });
            var counted = (await Look(limit)).Rejected - rejected;
            // Clients of the mix may be among those that are rejected, so there may be more of them.
            if (served.Count > limit || reset < Surplus || counted < reset)
                ledger.Unexpected(
                    $"{served.Count} of {limit + Surplus} were served with {limit} places, {reset} reset, " +
                    $"{counted} counted as rejected");
            foreach (var client in served)
                client.Dispose();
            await bal.SeeStatus("there is room again", s => s.Active < limit / 2);
        }

        ledger.Count("clients over the limit", reset);
        ledger.Count("limit pushes");
    }

    private async Task<Socket?> Hold()
    {
        var session = ledger.Begin("held at the limit");
        Socket? client = null;
        try
        {
            client = await bal.Connect();
            await client.Write(new Order(session.Id, Kind.Hold, 0, 0).ToBytes());
            await client.Read(1, Transfer.Patience);
            ledger.Done(session, 1);
            return client;
        }
        catch (Exception e) when (e is SocketException or EndOfStreamException)
        {
            ledger.Failed(session, e.Message);
            client?.Dispose();
            return null;
        }
    }
}
