using System.Net.Sockets;
using Bal.Domain.Primitives;

namespace Bal.Domain.Config;

/// <summary>
/// Who listens where. No two may accept the same connection by different addresses: 0.0.0.0 takes those to every IPv4
/// address, and :: those to every IPv6 address and, unless it is for IPv6 only, IPv4 as well (ipv6(7), IPV6_V6ONLY).
/// Who listens on the very same address shares it, where names tell them apart (<see cref="SharedAddress{T}"/>).
/// Entering costs the same however many there are.
/// </summary>
/// <typeparam name="T">Who: what belongs together is equal.</typeparam>
public sealed class AddressTable<T>
    where T : class
{
    // By the family and port of what is accepted, and the family of the unspecified address.
    private readonly Dictionary<(AddressFamily Family, int Port, AddressFamily Of), Owners> _any = [];
    private readonly Dictionary<(AddressFamily Family, int Port), Owners> _others = [];

    /// <summary>Enters an address of <paramref name="owner"/>.</summary>
    /// <param name="endpoint">The address; a name overlaps with nothing.</param>
    /// <param name="ipv6Only">Whether :: leaves IPv4 alone.</param>
    /// <param name="owner">Who listens.</param>
    /// <returns>
    /// Somebody else who takes some of the same connections by another address; null where nobody does.
    /// </returns>
    public T? Enter(Endpoint endpoint, bool ipv6Only, T owner)
    {
        if (endpoint.Host is not Host.Address { Value: var address })
            return null;
        var (port, own) = (endpoint.Port, address.AddressFamily);
        if (!OwnListeners.IsAny(address))
        {
            _others[(own, port)] = _others.GetValueOrDefault((own, port)).And(owner);
            return Everywhere(own, AddressFamily.InterNetwork) ?? Everywhere(own, AddressFamily.InterNetworkV6);
        }

        T? other = null;
        AddressFamily[] families = own == AddressFamily.InterNetworkV6 && !ipv6Only
            ? [own, AddressFamily.InterNetwork]
            : [own];
        foreach (var family in families)
        {
            other ??= _others.GetValueOrDefault((family, port)).OtherThan(owner) ?? Everywhere(
                family, own == AddressFamily.InterNetwork ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork);
            _any[(family, port, own)] = _any.GetValueOrDefault((family, port, own)).And(owner);
        }

        return other;

        T? Everywhere(AddressFamily family, AddressFamily of) =>
            _any.GetValueOrDefault((family, port, of)).OtherThan(owner);
    }

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
