using Bal.Infrastructure.Hosting;
using Bal.Infrastructure.Linux;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Bal.Web;

/// <summary>
/// Serves the page and the metrics of the bal that has started it. It knows nothing itself but how the last hour
/// was (<see cref="Hour"/>): whatever it shows it asks for on descriptor 3, and it ends once that is closed.
/// </summary>
internal static class Program
{
    private const int Misused = 64;
    private const int LinkFd = 3;
    private static readonly TimeSpan LastAnswers = TimeSpan.FromSeconds(1);

    private static async Task<int> Main()
    {
        if (Environment.GetEnvironmentVariable("BAL_WEB") != "3" || !MessageSocket.Is(LinkFd))
        {
            await Console.Error.WriteLineAsync("bal-web is started by bal, where 'web' is in its configuration")
                .ConfigureAwait(false);
            return Misused;
        }

        Libc.IgnoreSigpipe();
        Libc.Confine();
        using var daemon = new Daemon(new Link(LinkFd));
        var listener = await daemon.Listener.ConfigureAwait(false);
        if (listener < 0)
            return 0;
        using var server = new KestrelServer(
            Options.Create(OptionsFor(listener)),
            new SocketTransportFactory(
                Options.Create(new SocketTransportOptions { Backlog = 128 }), NullLoggerFactory.Instance),
            NullLoggerFactory.Instance);
        var hour = new Hour();
        await server.StartAsync(new Pages(daemon, hour), CancellationToken.None).ConfigureAwait(false);
        daemon.SayReady();
        _ = hour.Watch(daemon);
        await daemon.Ended.ConfigureAwait(false);
        using var patience = new CancellationTokenSource(LastAnswers);
        await server.StopAsync(patience.Token).ConfigureAwait(false);
        return 0;
    }

    // Everything that a client could use up has a bound.
    private static KestrelServerOptions OptionsFor(int listener)
    {
        var options = new KestrelServerOptions { AddServerHeader = false };
        options.Limits.MaxConcurrentConnections = 128;
        options.Limits.MaxConcurrentUpgradedConnections = 0;
        options.Limits.MaxRequestBodySize = 0;
        options.Limits.MaxRequestLineSize = 4_096;
        options.Limits.MaxRequestHeadersTotalSize = 16_384;
        options.Limits.MaxRequestHeaderCount = 64;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
        options.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(30);
        options.Limits.MinResponseDataRate = new(bytesPerSecond: 10_000, gracePeriod: TimeSpan.FromSeconds(5));
        options.ListenHandle((ulong)listener, listen => listen.Protocols = HttpProtocols.Http1);
        return options;
    }
}
