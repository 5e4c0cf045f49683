using System.Security.Cryptography;

namespace Bal.EndToEnd.Relay;

/// <summary>
/// A reader that stalls stops the sender, by the kernel's own flow control; bal holds next to nothing.
/// </summary>
[Collection(Sequential.Name)]
public sealed class StallTests(ITestOutputHelper output)
{
    private const long Offered = 200L * 1024 * 1024;

    private static readonly byte[] Chunk = Wire.Random(1024 * 1024, seed: 6);

    public static TheoryData<string, bool> ModesAndDirections => new()
    {
        { "auto", true }, { "copy", true }, { "splice", true },
        { "auto", false }, { "copy", false }, { "splice", false },
    };

    [Theory]
    [MemberData(nameof(ModesAndDirections))]
    public async Task A_reader_that_stalls_holds_the_writer_and_not_the_memory_of_bal(string relay, bool download)
    {
        var sender = new TaskCompletionSource<Socket>();
        var resume = new TaskCompletionSource();
        var hash = new TaskCompletionSource<byte[]>();
        await using var backend = new TestBackend(async (socket, _) =>
        {
            await socket.Read(1);
            sender.TrySetResult(socket);
            if (download)
            {
                await Offer(socket);
                await socket.ReadToEnd(TimeSpan.FromMinutes(2));
                return;
            }

            await resume.Task;
            hash.TrySetResult(await HashAll(socket));
        });
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).With("relay", relay));
        using var client = await bal.Connect();
        await client.Write(new byte[1]);
        var far = await sender.Task.WaitAsync(Eventually.Patience);
        var before = ProcFs.ResidentBytes(bal.Pid);
        var offering = download ? Task.CompletedTask : Offer(client);

        // Until nothing moves any more: every buffer between the two is full.
        var (last, since) = (-1L, 0);
        await Eventually.See("the transfer is stalled", async () =>
        {
            var now = Moved(await bal.Status());
            (last, since) = (now, now == last ? since + 1 : 0);
            return since;
        }, same => same > 5 && last > 0);
        var grown = ProcFs.ResidentBytes(bal.Pid) - before;
        // Read by bal, less what it has handed to the kernel of the stalled side and that side has not read.
        var (near, away) = download
            ? (bal.Endpoint, client.LocalEndPoint!)
            : (far.RemoteEndPoint!, far.LocalEndPoint!);
        // One block, or one pipe, whichever the mode uses (docs/architecture.md, "Limits").
        var most = relay == "copy" ? 32 * 1024 : 256 * 1024;
        // A byte that has arrived and is not acknowledged yet is in both queues, for a moment.
        var held = await Eventually.See("what bal holds is a block or a pipe", async () =>
        {
            last = Moved(await bal.Status());
            var queued = ProcFs.Queues(near, away).Unsent + ProcFs.Queues(away, near).Unread;
            // Were the writer only slow, and not stopped, the two would be of different moments.
            return Moved(await bal.Status()) == last ? last - queued : -1;
        }, n => n >= 0 && n <= most);
        output.WriteLine($"stalled after {last} bytes; bal holds {held} of them and has grown by {grown} bytes");
        Assert.InRange(last, 1, Offered / 2);
        // Answers to status touch the program's pages and the collector's first generation: up to 3 MiB.
        Assert.InRange(grown, long.MinValue, 4 * 1024 * 1024);

        resume.SetResult();
        var got = download ? await HashAll(client) : await hash.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await offering;
        Assert.Equal(Convert.ToHexString(Expected()), Convert.ToHexString(got));

        long Moved(Status status) => download ? status.Backends[0].BytesOut : status.Backends[0].BytesIn - 1;
    }

    private static async Task Offer(Socket socket)
    {
        for (long sent = 0; sent < Offered; sent += Chunk.Length)
            await socket.Write(Chunk, TimeSpan.FromMinutes(2));
        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task<byte[]> HashAll(Socket socket)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Assert.Equal(Ending.Fin, await socket.Drain(b => hash.AppendData(b.Span), TimeSpan.FromSeconds(60)));
        return hash.GetHashAndReset();
    }

    private static byte[] Expected()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long at = 0; at < Offered; at += Chunk.Length)
            hash.AppendData(Chunk);
        return hash.GetHashAndReset();
    }
}
