using Bal.Domain.Admission;
using Bal.Domain.Relay;

namespace Bal.Domain.Config;

/// <summary>Peers whose PROXY headers are believed.</summary>
/// <param name="Networks">Where they are.</param>
/// <param name="Unix">Whether whoever comes through a Unix socket is one.</param>
public sealed record TrustedPeers(NetworkSet Networks, bool Unix)
{
    /// <summary>Nobody's.</summary>
    public static TrustedPeers None { get; } = new(NetworkSet.Empty, Unix: false);

    /// <summary>Whether there is any.</summary>
    public bool IsGiven => Unix || !Networks.IsEmpty;

    /// <summary>Whether a peer is one of them.</summary>
    public bool Covers(InetEndpoint peer)
    {
        Span<byte> bytes = stackalloc byte[16];
        return peer.IsUnix ? Unix : peer.IsKnown && Networks.Covers(peer.Host(bytes));
    }
}

/// <summary>What a service makes of the PROXY protocol.</summary>
/// <param name="AcceptFrom">Whoever is one of them begins with a header, and is who it says.</param>
/// <param name="Send">What its backends get, unless they say otherwise.</param>
public sealed record ProxyProtocol(TrustedPeers AcceptFrom, ProxyVersion Send)
{
    /// <summary>Nothing.</summary>
    public static ProxyProtocol Off { get; } = new(TrustedPeers.None, ProxyVersion.None);
}
