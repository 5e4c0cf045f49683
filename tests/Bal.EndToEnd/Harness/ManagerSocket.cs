using System.Collections.Concurrent;
using System.Text;

namespace Bal.EndToEnd.Harness;

/// <summary>A service manager's end of sd_notify(3), as systemd has one.</summary>
internal sealed class ManagerSocket : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly ConcurrentQueue<string> _all = new();

    public ManagerSocket()
    {
        Address = $"@bal-e2e-{Guid.NewGuid():N}";
        _socket.Bind(new UnixDomainSocketEndPoint($"\0{Address[1..]}"));
        _ = Receive();
    }

    /// <summary>The value of NOTIFY_SOCKET.</summary>
    public string Address { get; }

    /// <summary>Every message so far, in order.</summary>
    public IReadOnlyList<string> Messages => [.. _all];

    /// <summary>How many signs of life have come so far.</summary>
    public int Signs => _all.Count(m => m == "WATCHDOG=1");

    /// <summary>The same, with everything read that was sent before this was called.</summary>
    public async Task<int> SignsUntilNow()
    {
        // Messages to one socket are read in the order in which they were sent.
        var last = $"until now {Guid.NewGuid():N}";
        using var sender = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        // Not SendToAsync: a queue that is full for a moment (ten messages) would make it wait for a word that never
        // comes.
        sender.Blocking = false;
        await Eventually.Holds("there is room in the queue", () =>
        {
            try
            {
                return sender.SendTo(
                    Encoding.UTF8.GetBytes(last), new UnixDomainSocketEndPoint($"\0{Address[1..]}")) > 0;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.TryAgain)
            {
                return false;
            }
        });
        await Heard(last);
        return Signs;
    }

    /// <summary>Waits until a message contains a text, among those after the first <paramref name="after"/>.</summary>
    /// <returns>How many messages there were up to that one.</returns>
    public async Task<int> Heard(string text, int after = 0)
    {
        int At() => _all.Skip(after).TakeWhile(m => !m.Contains(text, StringComparison.Ordinal)).Count() + after;
        await Eventually.See($"the manager is told '{text}'",
            () => string.Join("\n--\n", _all), _ => At() < _all.Count);
        return At() + 1;
    }

    public void Dispose() => _socket.Dispose();

    private async Task Receive()
    {
        var buffer = new byte[4096];
        try
        {
            while (true)
                _all.Enqueue(Encoding.UTF8.GetString(buffer, 0, await _socket.ReceiveAsync(buffer)));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }
}
