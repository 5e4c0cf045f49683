using System.Security.Cryptography;

namespace Bal.EndToEnd.Relay;

/// <summary>Bytes pass unchanged both ways, and so do the ways in which a connection ends.</summary>
public sealed class RelayTests(ITestOutputHelper output)
{
    private const int Large = 8 * 1024 * 1024;

    /// <summary>However the bytes get from one socket to the other, nobody can tell.</summary>
    public static TheoryData<string> Modes => ["auto", "copy", "splice"];

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_client_that_has_sent_its_FIN_still_gets_everything_the_backend_sends(string relay)
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).With("relay", relay));
        using var client = await bal.Connect();
        var sent = Wire.Random(Large, seed: 1);

        var reading = client.ReadToEnd();
        await client.Write(sent);
        client.Shutdown(SocketShutdown.Send);

        var received = await reading;
        Assert.Equal(Ending.Fin, received.Ending);
        Assert.True(sent.AsSpan().SequenceEqual(received.Bytes));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_backend_that_has_sent_its_FIN_still_gets_everything_the_client_sends(string relay)
    {
        var got = new TaskCompletionSource<Received>();
        var greeting = Wire.Random(Large, seed: 2);
        await using var backend = Serving.SendsThenHalfCloses(greeting, got);
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).With("relay", relay));
        using var client = await bal.Connect();

        // The server speaks first and ends its side; only then does the client begin.
        var received = await client.ReadToEnd();
        Assert.Equal(Ending.Fin, received.Ending);
        Assert.True(greeting.AsSpan().SequenceEqual(received.Bytes));

        var sent = Wire.Random(Large, seed: 3);
        await client.Write(sent);
        client.Shutdown(SocketShutdown.Send);

        var arrived = await got.Task.WaitAsync(Eventually.Patience);
        Assert.Equal(Ending.Fin, arrived.Ending);
        Assert.True(sent.AsSpan().SequenceEqual(arrived.Bytes));
        await bal.SeeStatus("the connection has ended", s => s.Active == 0);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task An_RST_of_the_backend_reaches_the_client_after_the_bytes_before_it(string relay)
    {
        var answer = Wire.Random(100_000, seed: 4);
        await using var backend = Serving.SendsThenResets(answer);
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).With("relay", relay));
        for (var i = 0; i < 50; i++)
        {
            using var client = await bal.Connect();
            await client.Write(new byte[1]);
            var received = await client.ReadToEnd();
            Assert.Equal(Ending.Reset, received.Ending);
            // What the kernel of the backend had not delivered when it was reset is lost without bal, too.
            Assert.True(answer.AsSpan(0, received.Bytes.Length).SequenceEqual(received.Bytes));
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Bytes_that_the_client_has_not_read_yet_survive_an_RST_of_the_backend(string relay)
    {
        var answer = Wire.Random(20_000, seed: 4);
        var waiting = new TaskCompletionSource();
        await using var backend = new TestBackend(async (socket, _) =>
        {
            await socket.Read(1);
            await socket.Write(answer);
            await waiting.Task;
            socket.Reset();
        });
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).With("relay", relay));
        using var client = await bal.Connect();
        await client.Write(new byte[1]);
        // The answer has arrived in the client's socket and is not read.
        await Eventually.See(
            "the whole answer waits in the client's socket", () => client.Available, n => n == answer.Length);
        waiting.SetResult();
        var received = await client.ReadToEnd();
        Assert.Equal(Ending.Reset, received.Ending);
        Assert.Equal(answer, received.Bytes);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task An_RST_of_the_client_reaches_the_backend_after_the_bytes_before_it(string relay)
    {
        var got = new TaskCompletionSource<Received>();
        await using var backend = Serving.Receiving(got);
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).With("relay", relay));
        var client = await bal.Connect();
        var sent = Wire.Random(10_000, seed: 5);
        await client.Write(sent);
        await bal.SeeStatus("bal has read everything", s => s.Backends[0].BytesIn == sent.Length);

        client.Reset();

        var received = await got.Task.WaitAsync(Eventually.Patience);
        Assert.Equal(Ending.Reset, received.Ending);
        Assert.Equal(sent, received.Bytes);
        await bal.SeeStatus("the connection has ended", s => s.Active == 0);
    }

    [Fact]
    public async Task A_backend_that_closes_at_once_looks_to_the_client_like_itself()
    {
        await using var backend = Serving.ClosingAtOnce();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        using var client = await bal.Connect();
        var received = await client.ReadToEnd();
        Assert.Equal(Ending.Fin, received.Ending);
        Assert.Empty(received.Bytes);
        Assert.Equal(0, (await bal.Status()).Rejected);
    }

    [Theory]
    [InlineData(1, "auto")]
    [InlineData(2, "copy")]
    [InlineData(2, "splice")]
    [InlineData(8, "auto")]
    [InlineData(8, "splice")]
    public async Task Two_hundred_streams_of_any_length_arrive_unchanged_and_are_counted_to_the_byte(
        int threads, string relay)
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output,
            BalFile.For(backend).With("threads", threads).With("relay", relay));
        var lengths = new Random(threads);
        var sizes = Enumerable.Range(0, 200)
            .Select(_ => (int)Math.Pow(2, lengths.NextDouble() * 22)).ToArray();
        sizes[0] = 1;
        sizes[1] = 4 * 1024 * 1024;

        await Parallel.ForAsync(0, sizes.Length, new ParallelOptions { MaxDegreeOfParallelism = 50 }, async (i, _) =>
        {
            using var client = await bal.Connect();
            var sent = Wire.Random(sizes[i], seed: i);
            using var back = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var reading = client.Drain(chunk => back.AppendData(chunk.Span), TimeSpan.FromSeconds(60));
            await client.Write(sent, TimeSpan.FromSeconds(60));
            client.Shutdown(SocketShutdown.Send);
            Assert.Equal(Ending.Fin, await reading);
            Assert.Equal(SHA256.HashData(sent), back.GetHashAndReset());
        });

        var status = await bal.SeeStatus("all connections have ended", s => s.Active == 0);
        Assert.Equal(sizes.Sum(s => (long)s), status.Backends[0].BytesIn);
        Assert.Equal(sizes.Sum(s => (long)s), status.Backends[0].BytesOut);
        Assert.Equal(sizes.Length, status.Backends[0].Total);
    }
}
