namespace Bal.EndToEnd.Upgrading;

/// <summary>
/// Clients that come and go without a pause, and some that stay: every connect has to succeed, and every byte has to
/// come back, whatever is upgraded meanwhile.
/// </summary>
internal sealed class Load : IAsyncDisposable
{
    private readonly CancellationTokenSource _over = new();
    private readonly Task[] _clients;
    private int _served;

    public Load(BalInstance bal, int coming, int staying)
    {
        _clients =
        [
            .. Enumerable.Range(0, coming).Select(i => Come(bal, i)),
            .. Enumerable.Range(0, staying).Select(i => Stay(bal, 100 + i)),
        ];
    }

    /// <summary>Connections served to their end so far.</summary>
    public int Served => Volatile.Read(ref _served);

    /// <summary>Waits until some more have been served; an error of any client shows here.</summary>
    public async Task GoesOn(int more = 20)
    {
        var until = Served + more;
        await Eventually.Holds("clients are served", () => Served > until || _clients.Any(c => c.IsFaulted));
        await Task.WhenAll(_clients.Where(c => c.IsFaulted));
    }

    /// <summary>Ends it; every client has to end well.</summary>
    public async Task End()
    {
        await _over.CancelAsync();
        await Task.WhenAll(_clients);
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        _over.Dispose();
    }

    private async Task Come(BalInstance bal, int seed)
    {
        for (var n = 0; !_over.IsCancellationRequested; n++)
        {
            using var client = await bal.Connect();
            await Exchange(client, Wire.Random(1 + n % 5_000, seed));
            client.Shutdown(SocketShutdown.Send);
            Assert.Equal(Ending.Fin, (await client.ReadToEnd()).Ending);
            Interlocked.Increment(ref _served);
        }
    }

    private async Task Stay(BalInstance bal, int seed)
    {
        using var client = await bal.Connect();
        for (var n = 0; !_over.IsCancellationRequested; n++)
            await Exchange(client, Wire.Random(1 + n % 20_000, seed + n));
    }

    private static async Task Exchange(Socket client, byte[] sent)
    {
        await client.Write(sent);
        Assert.Equal(sent, await client.Read(sent.Length));
    }
}
