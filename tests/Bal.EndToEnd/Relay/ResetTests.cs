namespace Bal.EndToEnd.Relay;

/// <summary>
/// An RST is passed on as an RST, also in the middle of a transfer, where pipes and buffers are full.
/// </summary>
public sealed class ResetTests(ITestOutputHelper output)
{
    private const int Bulk = 64 * 1024 * 1024;

    public static TheoryData<string> Modes => ["auto", "copy", "splice"];

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_client_that_aborts_a_download_resets_the_backend_and_leaves_nothing(string relay)
    {
        var seen = new TaskCompletionSource<SocketError>();
        await using var backend = new TestBackend(async (socket, _) =>
        {
            await socket.Read(1);
            try
            {
                await socket.Write(new byte[Bulk]);
            }
            catch (SocketException e)
            {
                seen.TrySetResult(e.SocketErrorCode);
            }
        });
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).With("relay", relay));
        var pipes = ProcFs.Descriptors(bal.Pid, "pipe:");
        var client = await bal.Connect();
        await client.Write(new byte[1]);
        await client.Read(3_000_000);

        client.Reset();

        Assert.Contains(await seen.Task.WaitAsync(Eventually.Patience),
            new[] { SocketError.ConnectionReset, SocketError.Shutdown });
        await bal.SeeStatus("the connection has ended", s => s.Active == 0);
        // A pipe with bytes in it is closed, never kept for the next session.
        Assert.InRange(ProcFs.Descriptors(bal.Pid, "pipe:"), 0, pipes + 4);
        using var next = await bal.Connect();
        await next.Write(new byte[1]);
        Assert.All(await next.Read(100_000), b => Assert.Equal(0, b));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_backend_that_aborts_an_upload_resets_the_client(string relay)
    {
        await using var backend = new TestBackend(async (socket, _) =>
        {
            await socket.Read(3_000_000);
            socket.Reset();
        });
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).With("relay", relay));
        using var client = await bal.Connect();

        var failed = await Assert.ThrowsAsync<SocketException>(() => client.Write(new byte[Bulk]));

        Assert.Contains(failed.SocketErrorCode, new[] { SocketError.ConnectionReset, SocketError.Shutdown });
        await bal.SeeStatus("the connection has ended", s => s.Active == 0);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task An_RST_after_a_FIN_is_still_an_RST(string relay)
    {
        await using var backend = new TestBackend(async (socket, _) =>
        {
            var request = await socket.ReadToEnd();
            if (request.Bytes.Length == 0)
                return;
            await socket.Write(request.Bytes);
            socket.Reset();
        });
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).With("relay", relay));
        for (var i = 0; i < 20; i++)
        {
            using var client = await bal.Connect();
            await client.Write("request"u8.ToArray());
            client.Shutdown(SocketShutdown.Send);
            var answer = await client.ReadToEnd();
            Assert.Equal(Ending.Reset, answer.Ending);
            Assert.True("request"u8.StartsWith(answer.Bytes));
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_client_that_resets_after_its_FIN_resets_the_backend(string relay)
    {
        var ended = new TaskCompletionSource<Ending>();
        var half = new TaskCompletionSource();
        await using var backend = new TestBackend(async (socket, stop) =>
        {
            var request = await socket.ReadToEnd();
            if (request.Bytes.Length == 0)
                return;
            half.TrySetResult();
            try
            {
                for (; ; await Task.Delay(5, stop))
                    await socket.SendAsync(new byte[1], stop);
            }
            catch (SocketException)
            {
                ended.TrySetResult(Ending.Reset);
            }
        });
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).With("relay", relay));
        var client = await bal.Connect();
        await client.Write("request"u8.ToArray());
        client.Shutdown(SocketShutdown.Send);
        await half.Task.WaitAsync(Eventually.Patience);
        await client.Read(1);

        client.Reset();

        Assert.Equal(Ending.Reset, await ended.Task.WaitAsync(Eventually.Patience));
        await bal.SeeStatus("the connection has ended", s => s.Active == 0);
    }
}
