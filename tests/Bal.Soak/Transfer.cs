using System.Buffers;

namespace Bal.Soak;

/// <summary>Streams of <see cref="Pattern"/>, sent in pieces of any size and verified to the byte.</summary>
internal static class Transfer
{
    /// <summary>Longer than the idle timeout of bal and every fault: whoever waits longer has been forgotten.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);

    public static async Task Send(Socket socket, long stream, int length, Random random, CancellationToken ended)
    {
        for (var at = 0; at < length;)
        {
            var piece = random.Next(4) switch
            {
                0 => 1,
                1 => random.Next(1, 1_500),
                2 => random.Next(1, 20_000),
                _ => 256 * 1024,
            };
            var bytes = Pattern.Piece(stream, at, Math.Min(piece, length - at));
            at += await socket.SendAsync(bytes, ended);
        }
    }

    /// <summary>Reads the stream; how many bytes came, which is fewer only where the connection ended before.</summary>
    /// <exception cref="WrongByteException">A byte is not the one that was sent.</exception>
    public static async Task<int> Receive(
        Socket socket, long stream, int length, Func<int, Task>? between, CancellationToken ended)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            var at = 0;
            while (at < length)
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(0, Math.Min(buffer.Length, length - at)), ended);
                if (read == 0)
                    return at;
                if (Pattern.Differs(stream, at, buffer.AsSpan(0, read)) is >= 0 and var wrong)
                    throw new WrongByteException($"stream {stream}: the byte at {wrong} of {length} is another one");
                at += read;
                if (between is not null)
                    await between(at);
            }

            return at;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

/// <summary>What must never happen.</summary>
internal sealed class WrongByteException(string message) : Exception(message);
