namespace Bal.EndToEnd.Reloading;

/// <summary>Reloads of every kind while clients come, and while one transfer goes on through all of them.</summary>
public sealed class ReloadUnderLoadTests(ITestOutputHelper output)
{
    public static TheoryData<string> Modes => ["auto", "copy", "splice"];

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Ports_addresses_and_bad_files_change_under_load_and_no_client_fails(string relay)
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        var first = BalFile.For(one, two).With("relay", relay);
        var second = first with { Port = Ports.Free(), Bind = "0.0.0.0", Backends = [two.Address, one.Address] };
        await using var bal = await BalInstance.Healthy(output, first);
        int[] ports = [first.Port, second.Port];
        using var over = new CancellationTokenSource();
        var (served, moved, begun, done) = (0, 0, 0, 0);

        var passing = Enumerable.Range(0, 6).Select(async i =>
        {
            for (var n = i; !over.IsCancellationRequested; n++)
            {
                // At any moment one of the two ports accepts: a client that finds its port closed is served by the
                // other.
                var before = Volatile.Read(ref done);
                using var client = await ConnectTo(ports[n % 2]) ?? await ConnectTo(ports[(n + 1) % 2]);
                if (client is null)
                {
                    // Unless the port has changed once more between its two tries.
                    Assert.True(Volatile.Read(ref begun) > before, "both ports refused, and nobody was reloading");
                    Interlocked.Increment(ref moved);
                    continue;
                }

                var sent = Wire.Random(1 + n * 37 % 9_000, n);
                await client.Write(sent);
                Assert.Equal(sent, await client.Read(sent.Length));
                Interlocked.Increment(ref served);
            }
        }).ToArray();
        var staying = Task.Run(async () =>
        {
            using var client = await bal.Connect();
            for (var n = 0; !over.IsCancellationRequested; n++)
            {
                var sent = Wire.Random(50_000, n);
                var writing = client.Write(sent);
                Assert.Equal(sent, await client.Read(sent.Length));
                await writing;
            }

            client.Shutdown(SocketShutdown.Send);
            Assert.Equal(Ending.Fin, (await client.ReadToEnd()).Ending);
        });
        await bal.SeeStatus("the transfer has begun", s => s.Active > 0);

        for (var reload = 0; reload < 10; reload++)
        {
            var until = Volatile.Read(ref served) + 15;
            Interlocked.Increment(ref begun);
            await bal.Reload(reload % 2 == 0 ? second : first);
            Interlocked.Increment(ref done);
            var good = await File.ReadAllTextAsync(bal.ConfigPath);
            await File.WriteAllTextAsync(bal.ConfigPath, good + "nonsense: [\n");
            (await bal.Run("graceful")).FailsWith(1);
            await File.WriteAllTextAsync(bal.ConfigPath, good);
            await Eventually.Holds("clients are served", () =>
                Volatile.Read(ref served) > until || staying.IsCompleted || passing.Any(c => c.IsCompleted));
        }

        await over.CancelAsync();
        await Task.WhenAll([staying, .. passing]);
        var status = await bal.SeeStatus("all connections have ended", s => s.Active == 0);
        output.WriteLine($"{served} clients served over 10 changes of the port, {moved} met two changes at once");
        Assert.Equal(11, status.ConfigVersion);
        // Both backends have stayed, and with them what was counted: every client, and the one that stayed.
        Assert.Equal(served + 1, status.Connections);
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("missing")]
    [InlineData("directory")]
    [InlineData("not UTF-8")]
    [InlineData("too large")]
    [InlineData("too deep")]
    public async Task A_file_that_cannot_be_used_changes_nothing(string what)
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        File.Delete(bal.ConfigPath);
        switch (what)
        {
            case "empty":
                await File.WriteAllTextAsync(bal.ConfigPath, "");
                break;
            case "directory":
                Directory.CreateDirectory(bal.ConfigPath);
                break;
            case "not UTF-8":
                await File.WriteAllBytesAsync(bal.ConfigPath, [0xff, 0xfe, 0xc3, 0x28]);
                break;
            case "too large":
                await File.WriteAllTextAsync(bal.ConfigPath, bal.File + new string('#', 1 << 20));
                break;
            case "too deep":
                await File.WriteAllTextAsync(bal.ConfigPath, bal.File + "x: " + new string('[', 10_000));
                break;
            default:
                break;
        }

        var graceful = (await bal.Run("graceful")).FailsWith(1);

        Assert.Contains("what_happened:", graceful.Out + graceful.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await bal.Status()).ConfigVersion);
        await bal.Exchange();
    }

    private static async Task<Socket?> ConnectTo(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return socket;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            socket.Dispose();
            return null;
        }
    }
}
