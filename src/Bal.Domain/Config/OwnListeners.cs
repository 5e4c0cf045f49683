using System.Net;
using System.Net.Sockets;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// Whether a connection to a backend would arrive at bal itself. Only what the machine's addresses, its own name and
/// the name <c>localhost</c> (RFC 6761, section 6.3) tell is considered: nothing is resolved.
/// </summary>
public sealed class OwnListeners
{
    private readonly Dictionary<Endpoint, Listener> _exact = [];
    private readonly Dictionary<int, Listener> _any4 = [];
    private readonly Dictionary<int, Listener> _any6 = [];
    private readonly System.Collections.Generic.HashSet<IPAddress> _local;
    private readonly string _hostName;

    /// <summary>Takes down what bal listens on.</summary>
    public OwnListeners(IEnumerable<Listener> listeners, HostFacts facts)
    {
        _local = [.. facts.LocalAddresses.Select(WithoutZone)];
        _hostName = facts.HostName.IfNone("");
        foreach (var listener in listeners)
            foreach (var host in listener.Addresses)
                Add(listener, host);
    }

    /// <summary>Whether <paramref name="address"/> is 0.0.0.0 or ::.</summary>
    public static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    /// <summary>The listener that <paramref name="backend"/> leads to.</summary>
    public Option<Listener> ReachedBy(Endpoint backend) =>
        _exact.TryGetValue(backend, out var same)
            ? same
            : IsOwnName(backend.Host) ? Everywhere(backend.Port)
            : new Arr<IPAddress>(Targets(backend.Host)).Choose(target => Accepting(target, backend.Port)).HeadOrNone();

    // Which address the name has is not known; where bal listens on all of them, it does not matter.
    private bool IsOwnName(Host host) => _hostName.Length > 0 && host.Match(
        _ => false,
        name => name.Equals(_hostName, StringComparison.OrdinalIgnoreCase)
            || name.Equals(_hostName.Split('.')[0], StringComparison.OrdinalIgnoreCase),
        _ => false);

    private Option<Listener> Everywhere(int port) =>
        _any4.TryGetValue(port, out var any) || _any6.TryGetValue(port, out any) ? any : Option<Listener>.None;

    private void Add(Listener listener, Host host)
    {
        _exact.TryAdd(new Endpoint(host, host is Host.Unix ? 0 : listener.Port), listener);
        if (host is Host.Address { Value: var address } && IsAny(address))
        {
            if (address.AddressFamily == AddressFamily.InterNetworkV6)
                _any6.TryAdd(listener.Port, listener);
            if (address.AddressFamily == AddressFamily.InterNetwork || !listener.IPv6Only)
                _any4.TryAdd(listener.Port, listener);
            return;
        }
        foreach (var target in Targets(host))
            _exact.TryAdd(new Endpoint(new Host.Address(WithoutZone(target)), listener.Port), listener);
    }

    private Option<Listener> Accepting(IPAddress target, int port)
    {
        var address = WithoutZone(target);
        if (_exact.TryGetValue(new Endpoint(new Host.Address(address), port), out var own))
            return own;
        var any = address.AddressFamily == AddressFamily.InterNetwork ? _any4 : _any6;
        return (IPAddress.IsLoopback(address) || _local.Contains(address)) && any.TryGetValue(port, out var listener)
            ? listener
            : Option<Listener>.None;
    }

    // Linux connects an unspecified address to the loopback of its family (ip(7)).
    private static IEnumerable<IPAddress> Targets(Host host) => host.Match<IEnumerable<IPAddress>>(
        address => [address.Equals(IPAddress.Any) ? IPAddress.Loopback
            : address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : address],
        name => name == "localhost" || name.EndsWith(".localhost", StringComparison.Ordinal)
            ? [IPAddress.Loopback, IPAddress.IPv6Loopback]
            : [],
        _ => []);

    // A link-local address may be known with its zone on one side and without on the other.
    internal static IPAddress WithoutZone(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 ? new IPAddress(address.GetAddressBytes()) : address;
}
