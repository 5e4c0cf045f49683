using System.Net;
using System.Net.Sockets;
using Bal.Domain.Config;
using Bal.Domain.Doctor;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>One address that sockets listen on: what they are bound to, not what the file calls it.</summary>
/// <param name="Address">The address.</param>
/// <param name="Port">The port.</param>
/// <param name="V6Only">Whether a socket on <c>::</c> leaves IPv4 to others (ipv6(7), IPV6_V6ONLY).</param>
internal readonly record struct BoundAddress(IPAddress Address, int Port, bool V6Only)
{
    /// <summary>The path of a Unix socket, which has nothing else; null for an address of IP.</summary>
    public string? Path { get; init; }

    /// <summary>A Unix socket.</summary>
    public static BoundAddress OfUnix(string path) => new(IPAddress.None, 0, V6Only: false) { Path = path };

    /// <summary>As the configuration has it.</summary>
    public Endpoint Endpoint => Path is null ? new(new Host.Address(Address), Port) : Endpoint.Unix(Path);

    /// <summary>What bind(2) takes.</summary>
    public byte[] Bytes => Path is null ? SockAddr.Of(Address, Port) : SockAddr.OfUnix(Path);

    public IPEndPoint EndPoint => new(Address, Port);

    private bool IsAny => Address.Equals(IPAddress.Any) || Address.Equals(IPAddress.IPv6Any);

    /// <summary>
    /// Whether a socket that somebody else has bound here serves where <paramref name="wanted"/> is configured. A
    /// manager's plain <c>ListenStream=PORT</c> is <c>[::]</c> for both families, which is what <c>0.0.0.0</c> asks
    /// for, and more.
    /// </summary>
    public bool StandsInFor(BoundAddress wanted) => Path == wanted.Path && Port == wanted.Port
        && (Address.Equals(wanted.Address)
            || (Address.Equals(IPAddress.IPv6Any) && !V6Only && wanted.IsAny)
            || (Address.Equals(IPAddress.Any) && wanted.Address.Equals(IPAddress.IPv6Any)));

    /// <summary>Whether a connect to its port at <paramref name="target"/> arrives here.</summary>
    public bool Accepts(IPAddress target)
    {
        var reached = target.IsIPv4MappedToIPv6 ? target.MapToIPv4()
            // Linux connects an unspecified address to the loopback of its family (ip(7)).
            : target.Equals(IPAddress.Any) ? IPAddress.Loopback
            : target.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback
            : target;
        return Address.Equals(reached)
            || (IsAny && (Address.AddressFamily == reached.AddressFamily
                    || (Address.AddressFamily == AddressFamily.InterNetworkV6 && !V6Only))
                && (IPAddress.IsLoopback(reached) || Sockets.IsOfThisMachine(reached)));
    }

    /// <summary>A literal address of a listener: beside <c>0.0.0.0</c>, <c>::</c> means IPv6 only.</summary>
    public static BoundAddress Of(IPAddress address, Listener listener) => new(
        address,
        listener.Port,
        address.Equals(IPAddress.IPv6Any)
            && listener.Addresses.Exists(host => host is Host.Address a && a.Value.Equals(IPAddress.Any)));

    /// <summary>What a socket is bound to; none where it is neither a socket of IP nor has a path.</summary>
    public static Option<BoundAddress> OfSocket(int socket) => Sockets.LocalAddress(socket) is { } at
        ? new BoundAddress(at.Address, at.Port, at.Address.Equals(IPAddress.IPv6Any)
            && !InheritedSockets.TakesBothFamilies(socket))
        : UnixSockets.PathOf(socket) is { } path ? OfUnix(path)
        : Option<BoundAddress>.None;
}

/// <summary>The addresses of a local name.</summary>
/// <param name="Usable">Those of the families that this machine has; at least one.</param>
/// <param name="LeftOut">The others.</param>
internal sealed record NameAddresses(IPAddress[] Usable, IPAddress[] LeftOut)
{
    /// <summary>Looks a name up; why it cannot be listened on, where it cannot.</summary>
    public static Either<BindOutcome, NameAddresses> Of(string name) => BindNames.AddressesOf(name)
        .MapLeft<BindOutcome>(why => new BindOutcome.Unresolved(why))
        .Bind(addresses => Among(addresses.ToArray()));

    /// <summary>Tells the addresses of families that this machine has from the others.</summary>
    public static Either<BindOutcome, NameAddresses> Among(IPAddress[] addresses)
    {
        var here = addresses.ToLookup(a => HasFamily(a.AddressFamily));
        return here[true].Any()
            ? new NameAddresses([.. here[true]], [.. here[false]])
            : new BindOutcome.Unresolved(addresses.Length == 0
                ? "the name has no address"
                : "the name has no address of a family that this machine has");
    }

    // Where IPv6 is compiled out there is no such file; where it is switched off there is no address in it.
    private static bool HasFamily(AddressFamily family)
    {
        if (family != AddressFamily.InterNetworkV6)
            return family == AddressFamily.InterNetwork;
        try
        {
            return File.ReadLines("/proc/net/if_inet6").Any();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Directory.Exists("/proc/net") ? false : Socket.OSSupportsIPv6;
        }
    }
}
