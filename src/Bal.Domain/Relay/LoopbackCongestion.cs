using LanguageExt;

namespace Bal.Domain.Relay;

/// <summary>
/// Which congestion control a connection within this machine gets. BBR sends by a timer, at the rate that it believes
/// the network to have (tcp_bbr.c, sk_pacing_status): worth it on a network, and a quarter of the CPU of a bulk stream
/// over loopback, where there is none (docs/performance.md). What the administrator chose stays for every connection
/// that leaves the machine.
/// </summary>
public static class LoopbackCongestion
{
    /// <summary>
    /// Reno: built into every kernel, allowed to every user unless that has been changed (tcp(7),
    /// tcp_allowed_congestion_control), and not paced.
    /// </summary>
    public const string Unpaced = "reno";

    /// <summary>
    /// What to use over loopback in place of the machine's algorithm; none where that one does not pace.
    /// </summary>
    /// <param name="algorithm">As the kernel names it (tcp(7), TCP_CONGESTION).</param>
    public static Option<string> InsteadOf(string algorithm) =>
        algorithm.StartsWith("bbr", StringComparison.Ordinal) ? Prelude.Some(Unpaced) : Option<string>.None;
}
