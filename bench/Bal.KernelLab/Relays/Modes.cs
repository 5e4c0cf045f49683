using Bal.KernelLab.Uring;

namespace Bal.KernelLab.Relays;

/// <summary>The relays by the names of the command line.</summary>
internal static class Modes
{
    /// <summary>
    /// What a session moves before it is handed over when throughput is measured: a short one never is.
    /// </summary>
    private const int Engage = 4096;

    public static IReadOnlyList<string> Names { get; } =
        ["copy", "sockmap", "sockmap-at-once", "sockmap-naive", "sockmap-parser", "uring"];

    public static Relay Start(string mode, int port, int backend) => mode switch
    {
        "copy" => new EpollRelay(port, backend),
        "sockmap" => new SockmapRelay(port, backend, Engage),
        "sockmap-at-once" => new SockmapRelay(port, backend, 0),
        "sockmap-naive" => new NaiveSockmapRelay(port, backend, parser: false),
        "sockmap-parser" => new NaiveSockmapRelay(port, backend, parser: true),
        "uring" => new UringRelay(port, backend),
        _ => throw new ArgumentException($"no mode '{mode}': {string.Join(", ", Names)}"),
    };
}
