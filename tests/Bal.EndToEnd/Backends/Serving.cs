using System.Security.Cryptography;
using System.Text;

namespace Bal.EndToEnd.Backends;

/// <summary>The backends that the tests use, by what they do to a connection.</summary>
internal static class Serving
{
    /// <summary>Sends everything back, then its FIN.</summary>
    public static TestBackend Echo(IPEndPoint? at = null) => new(EchoAll, at: at);

    /// <summary>An echo that does not listen until it is revived.</summary>
    public static TestBackend EchoThatIsDown() => new(EchoAll, listening: false);

    /// <summary>Says its name first, then echoes.</summary>
    public static TestBackend Named(string name) => new(async (socket, ended) =>
    {
        await socket.SendAsync(Encoding.ASCII.GetBytes(name), ended);
        await EchoAll(socket, ended);
    });

    /// <summary>Reads to the FIN, then answers with the SHA-256 of what it got.</summary>
    public static TestBackend Hashing() => new(async (socket, ended) =>
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[64 * 1024];
        for (int read; (read = await socket.ReceiveAsync(buffer, ended)) > 0;)
            hash.AppendData(buffer.AsSpan(0, read));
        await socket.SendAsync(hash.GetHashAndReset(), ended);
        socket.Shutdown(SocketShutdown.Send);
    });

    /// <summary>Sends bytes at once, ends its own side, and goes on reading.</summary>
    public static TestBackend SendsThenHalfCloses(byte[] bytes, TaskCompletionSource<Received> got) =>
        new(async (socket, _) =>
        {
            await socket.Write(bytes);
            socket.Shutdown(SocketShutdown.Send);
            var received = await socket.ReadToEnd();
            // bal's probes say nothing.
            if (received.Bytes.Length > 0)
                got.TrySetResult(received);
        });

    /// <summary>Waits for a byte, sends bytes, then an RST.</summary>
    public static TestBackend SendsThenResets(byte[] bytes) => new(async (socket, _) =>
    {
        await socket.Read(1);
        await socket.Write(bytes);
        socket.Reset();
    });

    /// <summary>Reports what it received and how that ended; bal's probes, which say nothing, are left out.</summary>
    public static TestBackend Receiving(TaskCompletionSource<Received> got) => new(async (socket, _) =>
    {
        var received = await socket.ReadToEnd();
        if (received.Bytes.Length > 0)
            got.TrySetResult(received);
        else
            socket.Dispose();
    });

    /// <summary>Closes what it accepts.</summary>
    public static TestBackend ClosingAtOnce() => new((_, _) => Task.CompletedTask);

    /// <summary>Accepts, and neither reads nor writes nor closes.</summary>
    public static TestBackend Silent() => new((_, ended) => Task.Delay(Timeout.Infinite, ended));

    private static async Task EchoAll(Socket socket, CancellationToken ended)
    {
        var buffer = new byte[64 * 1024];
        for (int read; (read = await socket.ReceiveAsync(buffer, ended)) > 0;)
        {
            for (var sent = 0; sent < read;)
                sent += await socket.SendAsync(buffer.AsMemory(sent, read - sent), ended);
        }

        socket.Shutdown(SocketShutdown.Send);
    }
}
