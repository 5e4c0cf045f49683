using System.Net;
using System.Net.Sockets;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Which service listens where, once names are looked up: <c>localhost</c> of one service may be the address of
/// another, which no reading of the file can tell. The kernel would share the clients between both.
/// </summary>
internal sealed class TakenAddresses
{
    private readonly Dictionary<(IPAddress Address, int Port), string> exact = [];
    private readonly Dictionary<(AddressFamily Family, int Port), Owners> anywhere = [];
    private readonly Dictionary<(AddressFamily Family, int Port), Owners> everywhere = [];

    /// <summary>Enters an address of a service; the problem where another service would get its clients, too.</summary>
    public Either<Problem, Unit> Enter(BoundAddress address, string service)
    {
        var any = address.Address.Equals(IPAddress.Any) || address.Address.Equals(IPAddress.IPv6Any);
        AddressFamily[] families = address.Address.Equals(IPAddress.IPv6Any) && !address.V6Only
            ? [AddressFamily.InterNetworkV6, AddressFamily.InterNetwork]
            : [address.Address.AddressFamily];
        var other = Other(exact.GetValueOrDefault((address.Address, address.Port)), service);
        foreach (var family in families)
            other ??= (any ? anywhere : everywhere).GetValueOrDefault((family, address.Port)).OtherThan(service);
        if (other is not null)
            return Overlap(address, other, service);
        exact[(address.Address, address.Port)] = service;
        foreach (var key in families.Select(family => (family, address.Port)))
        {
            anywhere[key] = anywhere.GetValueOrDefault(key).And(service);
            if (any)
                everywhere[key] = everywhere.GetValueOrDefault(key).And(service);
        }

        return Unit.Default;
    }

    private static string? Other(string? owner, string service) => owner == service ? null : owner;

    private static Problem Overlap(BoundAddress address, string earlier, string service) => new(
        "listeners_overlap",
        $"services {earlier} and {service} would both accept connections to {address.EndPoint}",
        "bind_address of one of them is a name, and one of its addresses is that of the other service",
        "give one of the two services another port, or write the addresses in place of the name");

    /// <summary>The first two services; a third one is told apart from one of these.</summary>
    private readonly record struct Owners(string? First, string? Second)
    {
        public string? OtherThan(string service) => First == service ? Second : First;

        public Owners And(string service) =>
            First is null ? new(service, null)
            : First == service || Second is not null ? this
            : this with { Second = service };
    }
}
