using System.Globalization;
using System.Net;

namespace Bal.Domain.Primitives;

/// <summary>Where a socket can be found: a literal address, or a name that still has to be resolved.</summary>
public abstract record Host
{
    private Host() { }

    /// <summary>A literal IPv4 or IPv6 address.</summary>
    /// <param name="Value">The address; equal addresses written differently are equal.</param>
    public sealed record Address(IPAddress Value) : Host
    {
        /// <inheritdoc/>
        public override string ToString() => Value.ToString();
    }

    /// <summary>A DNS or local host name, lower case, without a trailing dot (RFC 1123, section 2.1).</summary>
    /// <param name="Value">The name.</param>
    public sealed record Name(string Value) : Host
    {
        /// <inheritdoc/>
        public override string ToString() => Value;
    }

    /// <summary>The host as it stands before a port: IPv6 addresses in brackets (RFC 3986, section 3.2.2).</summary>
    public string ToUrlText() =>
        this is Address { Value.AddressFamily: System.Net.Sockets.AddressFamily.InterNetworkV6 }
            ? $"[{this}]" : ToString();

    /// <summary>Applies the function of the case that this host is.</summary>
    public T Match<T>(Func<IPAddress, T> address, Func<string, T> name) => this switch
    {
        Address a => address(a.Value),
        Name n => name(n.Value),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

/// <summary>A host and a TCP port, the identity of a backend.</summary>
/// <param name="Host">The host as configured.</param>
/// <param name="Port">1..65535.</param>
public sealed record Endpoint(Host Host, int Port)
{
    /// <summary><c>host:port</c>, with IPv6 addresses in brackets (RFC 3986, section 3.2.2).</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Host.ToUrlText()}:{Port}");
}
