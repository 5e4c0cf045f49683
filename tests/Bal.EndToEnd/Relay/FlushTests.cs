namespace Bal.EndToEnd.Relay;

/// <summary>
/// Who has said everything may go: what is still on its way arrives, however late the other side reads it.
/// </summary>
public sealed class FlushTests(ITestOutputHelper output)
{
    public static TheoryData<string, bool> ModesAndSides => new()
    {
        { "auto", true }, { "copy", true }, { "splice", true },
        { "auto", false }, { "copy", false }, { "splice", false },
    };

    [Theory]
    [MemberData(nameof(ModesAndSides))]
    public async Task What_was_sent_before_a_close_arrives_whole_at_a_reader_that_begins_late(
        string relay, bool clientSends)
    {
        // More than the kernel's queues take before the reader begins, so that some of it waits in bal.
        var sent = Wire.Random(9_000_000, seed: 8);
        var closed = new TaskCompletionSource();
        var arrived = new TaskCompletionSource<Received>();
        await using var backend = new TestBackend(async (socket, _) =>
        {
            // The first byte tells a client from a probe.
            await socket.Read(1);
            if (clientSends)
            {
                await Later();
                arrived.TrySetResult(await socket.ReadToEnd());
                return;
            }

            // Returning closes the socket as soon as the kernel has taken the last byte.
            await socket.Write(sent, TimeSpan.FromSeconds(60));
            closed.TrySetResult();
        });
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend).With("relay", relay));
        using var client = await bal.Connect();
        await client.Write(new byte[1]);

        Received received;
        if (clientSends)
        {
            await client.Write(sent, TimeSpan.FromSeconds(60));
            client.Dispose();
            received = await arrived.Task.WaitAsync(TimeSpan.FromSeconds(60));
        }
        else
        {
            await Later();
            received = await client.ReadToEnd(TimeSpan.FromSeconds(60));
            await closed.Task;
        }

        Assert.Equal(Ending.Fin, received.Ending);
        Assert.True(sent.AsSpan().SequenceEqual(received.Bytes));
        client.Dispose();
        await bal.SeeStatus("the connection has ended", s => s.Active == 0);

        // Longer than bal waits for a queue before it passes on an RST: a close is none, and waits for any time.
        static Task Later() => Task.Delay(TimeSpan.FromSeconds(1.3));
    }
}
