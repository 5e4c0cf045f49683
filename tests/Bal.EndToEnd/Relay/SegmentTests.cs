using System.Buffers.Binary;
using System.Globalization;

namespace Bal.EndToEnd.Relay;

/// <summary>
/// What a connection costs the network: the FIN of who answers and closes needs no segment of its own.
/// </summary>
public sealed class SegmentTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("auto")]
    [InlineData("copy")]
    public async Task An_answer_and_the_FIN_behind_it_travel_in_one_segment(string relay)
    {
        var answer = "503 busy, come back later\r\n"u8.ToArray();
        var asked = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        var closed = new TaskCompletionSource();
        await using var backend = new TestBackend(async (socket, _) =>
        {
            // A probe leaves without a word.
            await socket.Read(1);
            asked.TrySetResult();
            await go.Task;
            await socket.Write(answer);
            socket.Close();
            closed.TrySetResult();
        });
        await using var bal = await BalInstance.Healthy(output,
            BalFile.For(backend).With("relay", relay).With("threads", 1));
        using var client = await bal.Connect();
        await client.Write(new byte[1]);
        await asked.Task.WaitAsync(Eventually.Patience);
        // The acknowledgement of the question is a segment, too, and may come late.
        var before = await Eventually.See("the question is acknowledged",
            () => Tcp.Of(client), tcp => tcp.Unacknowledged == 0);

        // A loop that hangs meanwhile finds the answer and the FIN together, however fast the machine is.
        using (FrozenThread.Of(bal.Pid, "loop-0"))
        {
            go.SetResult();
            await closed.Task.WaitAsync(Eventually.Patience);
            // On a busy machine what has been sent arrives some time after it has been sent.
            await Eventually.Holds("the FIN has arrived", () => HasFinFrom(backend.Port));
        }

        var received = await client.ReadToEnd();
        var after = Tcp.Of(client);
        Assert.Equal(Ending.Fin, received.Ending);
        Assert.Equal(answer, received.Bytes);
        Assert.Equal((1, 1), (after.Segments - before.Segments, after.SegmentsWithBytes - before.SegmentsWithBytes));
    }

    // Columns of /proc/net/tcp (proc(5)): the remote address, then the state; 08 is CLOSE_WAIT.
    private static bool HasFinFrom(int port)
    {
        var finished = string.Create(CultureInfo.InvariantCulture, $" 0100007F:{port:X4} 08 ");
        return File.ReadLines("/proc/net/tcp").Any(row => row.Contains(finished, StringComparison.Ordinal));
    }

    /// <summary>What the kernel knows of a connection: a part of struct tcp_info (linux/tcp.h).</summary>
    private sealed record Tcp(uint Unacknowledged, int Segments, int SegmentsWithBytes)
    {
        public static Tcp Of(Socket socket)
        {
            const int tcp = 6, tcpInfo = 11;
            var info = new byte[160];
            Assert.Equal(info.Length, socket.GetRawSocketOption(tcp, tcpInfo, info));
            return new Tcp(
                BinaryPrimitives.ReadUInt32LittleEndian(info.AsSpan(24)),
                BinaryPrimitives.ReadInt32LittleEndian(info.AsSpan(140)),
                BinaryPrimitives.ReadInt32LittleEndian(info.AsSpan(152)));
        }
    }
}
