using System.Globalization;
using System.Net;

namespace Bal.Domain.Primitives;

/// <summary>
/// Where a socket can be found: a literal address, a name that still has to be resolved, or a path of this machine.
/// </summary>
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

    /// <summary>A Unix socket of this machine (unix(7)), which has no port.</summary>
    /// <param name="Path">Absolute, at most <see cref="MaxPathBytes"/> bytes.</param>
    public sealed record Unix(string Path) : Host
    {
        /// <summary>What is written before the path.</summary>
        public const string Prefix = "unix:";

        /// <summary>The longest path: <c>sun_path</c> has 108 bytes, the last of them zero.</summary>
        public const int MaxPathBytes = 107;

        /// <inheritdoc/>
        public override string ToString() => Prefix + Path;
    }

    /// <summary>The host as it stands before a port: IPv6 addresses in brackets (RFC 3986, section 3.2.2).</summary>
    public string ToUrlText() =>
        this is Address { Value.AddressFamily: System.Net.Sockets.AddressFamily.InterNetworkV6 }
            ? $"[{this}]" : ToString();

    /// <summary>Applies the function of the case that this host is.</summary>
    public T Match<T>(Func<IPAddress, T> address, Func<string, T> name, Func<string, T> unix) => this switch
    {
        Address a => address(a.Value),
        Name n => name(n.Value),
        Unix u => unix(u.Path),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

/// <summary>A host and a TCP port, or a Unix socket: the identity of a backend.</summary>
/// <param name="Host">The host as configured.</param>
/// <param name="Port">1..65535; 0 for a Unix socket.</param>
public sealed record Endpoint(Host Host, int Port)
{
    /// <summary>The Unix socket of that path.</summary>
    public static Endpoint Unix(string path) => new(new Host.Unix(path), 0);

    /// <summary>Whether it is a Unix socket.</summary>
    public bool IsUnix => Host is Host.Unix;

    /// <summary>
    /// <c>host:port</c>, with IPv6 addresses in brackets (RFC 3986, section 3.2.2), or <c>unix:/path</c>.
    /// </summary>
    public override string ToString() => IsUnix ? Host.ToString() : string.Create(
        CultureInfo.InvariantCulture, $"{Host.ToUrlText()}:{Port}");
}
