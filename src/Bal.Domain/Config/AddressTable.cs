using System.Net;
using System.Net.Sockets;
using Bal.Domain.Primitives;

namespace Bal.Domain.Config;

/// <summary>
/// Who listens where. No two may accept the same connection: 0.0.0.0 takes those to every IPv4 address, and :: those to
/// every IPv6 address and, unless it is for IPv6 only, IPv4 as well (ipv6(7), IPV6_V6ONLY). Entering costs the same
/// however many there are.
/// </summary>
/// <typeparam name="T">Who: what belongs together is equal.</typeparam>
public sealed class AddressTable<T>
    where T : class
{
    private readonly Dictionary<Endpoint, T> _exact = [];
    private readonly Dictionary<(AddressFamily Family, int Port), Owners> _some = [];
    private readonly Dictionary<(AddressFamily Family, int Port), Owners> _any = [];

    /// <summary>Enters an address of <paramref name="owner"/>.</summary>
    /// <param name="endpoint">The address; a name overlaps with nothing but itself.</param>
    /// <param name="ipv6Only">Whether :: leaves IPv4 alone.</param>
    /// <param name="owner">Who listens.</param>
    /// <returns>Somebody else who takes the same connections; null where nobody does.</returns>
    public T? Enter(Endpoint endpoint, bool ipv6Only, T owner)
    {
        if (!_exact.TryAdd(endpoint, owner) && !_exact[endpoint].Equals(owner))
            return _exact[endpoint];
        if (endpoint.Host is not Host.Address { Value: var address })
            return null;
        var any = OwnListeners.IsAny(address);
        T? other = null;
        foreach (var key in Families(address, any && !ipv6Only).Select(family => (family, endpoint.Port)))
        {
            other ??= (any ? _some : _any).GetValueOrDefault(key).OtherThan(owner);
            _some[key] = _some.GetValueOrDefault(key).And(owner);
            if (any)
                _any[key] = _any.GetValueOrDefault(key).And(owner);
        }

        return other;
    }

    private static AddressFamily[] Families(IPAddress address, bool both) => both && address.Equals(IPAddress.IPv6Any)
        ? [AddressFamily.InterNetworkV6, AddressFamily.InterNetwork]
        : [address.AddressFamily];

    /// <summary>The first two: whoever comes is somebody else than one of them.</summary>
    private readonly record struct Owners(T? First, T? Second)
    {
        public T? OtherThan(T owner) => owner.Equals(First) ? Second : First;

        public Owners And(T owner) =>
            First is null ? new(owner, null)
            : First.Equals(owner) || Second is not null ? this
            : this with { Second = owner };
    }
}
