using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Bal.EndToEnd.Controlling;

/// <summary>
/// The control socket against clients that mean harm or have gone mad: the operator's <c>status</c> is answered in
/// bounded time, clients are relayed meanwhile, and nothing is left behind.
/// </summary>
public sealed class HostileControlTests(ITestOutputHelper output)
{
    private const int MostClients = 16;
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(4);

    [Fact]
    public async Task Garbage_of_every_length_is_answered_or_dropped_and_harms_nobody()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        byte[][] garbage =
        [
            [0], [0xFF, 0xFE, 0xFD], "status\0\n"u8.ToArray(), "\u0000status\n"u8.ToArray(), [0xC0, 0xAF, (byte)'\n'],
            "status; stop\n"u8.ToArray(), "STATUS\n"u8.ToArray(), "{\"status\": true}\n"u8.ToArray(),
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), [.. Enumerable.Repeat((byte)'x', 4_096), (byte)'\n'],
            [.. Enumerable.Repeat((byte)'x', 4_097), (byte)'\n'],
            .. Enumerable.Range(0, 40).Select(seed => Wire.Random(1 << (seed % 16), seed)),
        ];
        foreach (var bytes in garbage)
        {
            var answer = await Ask(bal, bytes);
            Assert.True(answer.Length == 0
                || JsonDocument.Parse(answer).RootElement.TryGetProperty("error", out _), answer);
        }

        await Serves(bal);
    }

    [Fact]
    public async Task Of_a_thousand_requests_in_one_connection_the_first_is_answered()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));

        var answer = await Ask(bal, Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("status\n", 1_000))));

        Assert.True(new Status(answer).Running);
        Assert.Equal(1, answer.Split("\"running\"").Length - 1);
        await Serves(bal);
    }

    [Fact]
    public async Task A_writer_of_a_byte_now_and_then_and_a_silent_one_are_dropped_after_five_seconds()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        using var slow = await Control(bal);
        using var silent = await Control(bal);
        var clock = Stopwatch.StartNew();
        var dropped = Task.WhenAll(End(slow), End(silent));

        while (!dropped.IsCompleted && clock.Elapsed < Eventually.Patience)
        {
            try
            {
                await slow.SendAsync("x"u8.ToArray());
            }
            catch (SocketException)
            {
                // It is dropped: what the other end of this test sees is what counts.
            }

            await Task.WhenAny(dropped, Task.Delay(100));
        }

        await dropped.WaitAsync(Eventually.Patience);
        Assert.InRange(clock.ElapsedMilliseconds, 4_000, 15_000);
        await Serves(bal);
    }

    [Fact]
    public async Task Among_hundreds_of_clients_of_every_kind_the_operator_is_served()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        using var stop = new CancellationTokenSource();
        var crowd = Enumerable.Range(0, 200).Select(i => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                using var client = await Control(bal);
                await Misbehave(client, i % 5, stop.Token);
            }
        })).ToArray();

        for (var i = 0; i < 10; i++)
        {
            var clock = Stopwatch.StartNew();
            await Serves(bal);
            output.WriteLine($"served in {clock.ElapsedMilliseconds} ms");
        }

        await stop.CancelAsync();
        await Task.WhenAll(crowd).WaitAsync(Eventually.Patience);
        await Serves(bal);
    }

    [Fact]
    public async Task Clients_that_never_read_a_large_answer_do_not_lock_out_the_operator()
    {
        await using var backend = Serving.Echo();
        // An answer that is larger than the buffers of a socket.
        var file = BalFile.For(backend);
        string[] many = [.. file.Backends, .. Enumerable.Range(1, 900).Select(port => $"127.0.0.1:{port}")];
        await using var bal = await BalInstance.Started(output, (file with { Backends = many }).WithRareProbes());
        var deaf = new List<Socket>();
        for (var i = 0; i < MostClients; i++)
        {
            var client = await Control(bal);
            await client.Write("status\n"u8.ToArray());
            deaf.Add(client);
        }

        var clock = Stopwatch.StartNew();
        (await bal.Run("status", "--json")).Succeeds();
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, Bound);

        foreach (var client in deaf)
            client.Dispose();
    }

    [Fact]
    public async Task Thousands_of_connects_leave_no_descriptor_and_no_memory_behind_and_relaying_goes_on()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        using var session = await bal.Connect();
        await Serves(bal);
        var (sockets, memory) = (ProcFs.Descriptors(bal.Pid, "socket:"), ProcFs.ResidentBytes(bal.Pid));

        for (var i = 0; i < 5_000; i++)
        {
            using var client = await Control(bal);
            if (i % 3 == 0)
                await client.SendAsync("stat"u8.ToArray());
            else if (i % 3 == 1)
                client.LingerState = new LingerOption(true, 0);
            if (i % 100 == 0)
                await Echoes(session);
        }

        await Eventually.See(
            "as many sockets as before", () => ProcFs.Descriptors(bal.Pid, "socket:"), n => n <= sockets);
        Assert.InRange(ProcFs.ResidentBytes(bal.Pid) - memory, long.MinValue, 32 << 20);
        await Echoes(session);
        await Serves(bal);
    }

    [Fact]
    public async Task Another_user_is_refused_by_his_number_even_where_the_file_would_let_him_in()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(bal.SocketPath));
        const UnixFileMode everybody = (UnixFileMode)0x1B6;
        File.SetUnixFileMode(bal.SocketPath, everybody);
        File.SetUnixFileMode(bal.Home, (UnixFileMode)0x1ED);
        const string ask = """
            import socket, sys
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(10)
            s.connect(sys.argv[1])
            print("connected")
            try:
                s.sendall(b"status\n")
                print("answer:", s.recv(100)[:1])
            except (BrokenPipeError, ConnectionResetError):
                print("answer: b''")
            """;
        Assert.Contains("answer: b'{'", await Python([], ask, bal), StringComparison.Ordinal);

        // Only root may become somebody else; who runs the tests as a user needs sudo for this one, and no less is
        // proof.
        string[] nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        var refused = await Python(Posix.IsRoot ? nobody : ["sudo", "-n", .. nobody], ask, bal);

        Assert.Contains("connected", refused, StringComparison.Ordinal);
        Assert.Contains("answer: b''", refused, StringComparison.Ordinal);
        await Serves(bal);
    }

    private static async Task<string> Python(string[] before, string program, BalInstance bal)
    {
        string[] all = [.. before, "/usr/bin/python3", "-c", program, bal.SocketPath];
        return (await Command.Run(all[0], all[1..])).Succeeds().Out;
    }

    private static async Task Misbehave(Socket client, int kind, CancellationToken stop)
    {
        try
        {
            switch (kind)
            {
                case 0:
                    await client.SendAsync(Wire.Random(9_000, kind), stop);
                    break;
                case 1:
                    client.Shutdown(SocketShutdown.Send);
                    break;
                case 2:
                    await client.SendAsync("status\n"u8.ToArray(), stop);
                    break;
                case 3:
                    await client.SendAsync("stat"u8.ToArray(), stop);
                    await End(client).WaitAsync(stop);
                    break;
                default:
                    client.Shutdown(SocketShutdown.Receive);
                    await client.SendAsync("status\n"u8.ToArray(), stop);
                    break;
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // Hung up on: that is what it asks for.
        }
    }

    // What an operator and a client want, within the bound.
    private static async Task Serves(BalInstance bal)
    {
        var clock = Stopwatch.StartNew();
        Assert.True((await bal.Status()).Running);
        await bal.Exchange();
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, Bound);
    }

    private static async Task Echoes(Socket session)
    {
        await session.Write("ping"u8.ToArray());
        Assert.Equal("ping"u8.ToArray(), await session.Read(4));
    }

    private static async Task<string> Ask(BalInstance bal, byte[] request)
    {
        using var control = await Control(bal);
        var answer = End(control);
        try
        {
            await control.Write(request);
            control.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // It may hang up as soon as it has seen enough.
        }

        return await answer;
    }

    private static Task<Socket> Control(BalInstance bal) => ControlSocket.Connect(bal);

    private static Task<string> End(Socket control) => ControlSocket.Answer(control);
}
