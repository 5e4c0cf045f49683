using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Bal.EndToEnd.Relay;

/// <summary>However the bytes are cut, and whoever speaks first: both directions at once arrive unchanged.</summary>
public sealed class SliceTests(ITestOutputHelper output)
{
    private const int Streams = 240;
    private const int Burst = 4 * 1024 * 1024;
    private static readonly byte[] Banner = "220 ready\r\n"u8.ToArray();

    [Theory]
    [InlineData(1, "auto")]
    [InlineData(2, "copy")]
    [InlineData(2, "splice")]
    [InlineData(8, "auto")]
    public async Task Single_bytes_and_bursts_of_4_MiB_at_random_arrive_unchanged_both_ways(int threads, string relay)
    {
        await using var backend = new TestBackend(Serve);
        await using var bal = await BalInstance.Healthy(output,
            BalFile.For(backend).With("relay", relay).With("threads", threads));
        long sent = 0, got = 0;

        await Parallel.ForAsync(0, Streams, new ParallelOptions { MaxDegreeOfParallelism = 40 }, async (i, _) =>
        {
            var upload = Payload(i);
            using var client = await bal.Connect();
            // The server speaks first.
            Assert.Equal(Banner, await client.Read(Banner.Length));
            var head = new byte[8];
            BinaryPrimitives.WriteInt32LittleEndian(head, i);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(4), upload.Length);
            var reading = client.ReadToEnd(TimeSpan.FromSeconds(60));
            await client.Write(head);
            await WriteSliced(client, upload, new Random(i));
            client.Shutdown(SocketShutdown.Send);

            var answer = await reading;
            Assert.Equal(Ending.Fin, answer.Ending);
            byte[] expected = [.. Payload(~i), .. SHA256.HashData(upload)];
            Assert.True(expected.AsSpan().SequenceEqual(answer.Bytes), $"stream {i}: {answer.Bytes.Length} bytes back");
            Interlocked.Add(ref sent, head.Length + upload.Length);
            Interlocked.Add(ref got, Banner.Length + expected.Length);
        });

        var status = await bal.SeeStatus("all connections have ended", s => s.Active == 0);
        output.WriteLine($"{Streams} streams, {sent} bytes to the backend, {got} bytes back");
        Assert.Equal(sent, status.Backends[0].BytesIn);
        // bal's probes get the banner, too, but not through the relay.
        Assert.Equal(got, status.Backends[0].BytesOut);
    }

    private static async Task Serve(Socket socket, CancellationToken ended)
    {
        await socket.Write(Banner);
        var head = await socket.Read(8);
        var seed = BinaryPrimitives.ReadInt32LittleEndian(head);
        var receiving = socket.Read(BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(4)), TimeSpan.FromSeconds(60));
        await WriteSliced(socket, Payload(~seed), new Random(~seed));
        await socket.Write(SHA256.HashData(await receiving));
        socket.Shutdown(SocketShutdown.Send);
        await socket.ReadToEnd();
    }

    // Most streams are short, so that single bytes are a good part of them; every twentieth begins with a burst.
    private static byte[] Payload(int seed) =>
        Wire.Random((seed % 20 == 0 ? Burst : 0) + new Random(seed).Next(1, 30_000), seed);

    private static async Task WriteSliced(Socket socket, byte[] bytes, Random random)
    {
        for (var at = 0; at < bytes.Length;)
        {
            var left = bytes.Length - at;
            var slice = left > Burst ? Burst : Math.Min(left, random.Next(3) switch
            {
                0 => 1,
                1 => random.Next(1, 100),
                _ => random.Next(1, 4_000),
            });
            await socket.Write(bytes.AsMemory(at, slice), TimeSpan.FromSeconds(60));
            at += slice;
        }
    }
}
