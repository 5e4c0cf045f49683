using System.Net;
using System.Net.Sockets;
using Bal.Domain.Primitives;

namespace Bal.Domain.Config;

/// <summary>Whether a connection to a backend would arrive at bal itself.</summary>
internal static class OwnListener
{
    /// <summary>Whether <paramref name="address"/> is 0.0.0.0 or ::.</summary>
    public static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    /// <summary>
    /// Whether <paramref name="backend"/> is reached through <paramref name="listener"/>. Only what the machine's
    /// addresses and
    /// the name <c>localhost</c> (RFC 6761, section 6.3) tell is considered: nothing is resolved.
    /// </summary>
    public static bool IsReachedBy(Listener listener, Endpoint backend, HostFacts facts) =>
        listener.Port == backend.Port && (listener.BindAddress.Equals(backend.Host)
            || Targets(backend.Host).Any(target => Accepts(listener.BindAddress, target, facts)));

    // Linux connects an unspecified address to the loopback of its family (ip(7)).
    private static IEnumerable<IPAddress> Targets(Host host) => host.Match<IEnumerable<IPAddress>>(
        address => [address.Equals(IPAddress.Any) ? IPAddress.Loopback
            : address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : address],
        name => name == "localhost" || name.EndsWith(".localhost", StringComparison.Ordinal)
            ? [IPAddress.Loopback, IPAddress.IPv6Loopback]
            : []);

    private static bool Accepts(Host bind, IPAddress target, HostFacts facts) => bind.Match(
        address => IsAny(address)
            ? IsLocal(target, facts) && (address.AddressFamily == AddressFamily.InterNetworkV6
                || target.AddressFamily == AddressFamily.InterNetwork)
            : SameAddress(address, target),
        name => Targets(new Host.Name(name)).Any(own => own.Equals(target)));

    private static bool IsLocal(IPAddress address, HostFacts facts) =>
        IPAddress.IsLoopback(address) || facts.LocalAddresses.Any(own => SameAddress(own, address));

    // A link-local address may be known with its zone on one side and without on the other.
    private static bool SameAddress(IPAddress left, IPAddress right) =>
        left.GetAddressBytes().AsSpan().SequenceEqual(right.GetAddressBytes());
}
