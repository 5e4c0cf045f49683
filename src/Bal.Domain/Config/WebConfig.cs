using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>The page and the metrics (<c>web</c>).</summary>
/// <param name="Listen">Where they are served.</param>
/// <param name="Hosts">
/// The names by which browsers may ask for them, beside addresses, <c>localhost</c> and this machine's own name.
/// </param>
public sealed record WebConfig(WebAddress Listen, Arr<Host> Hosts)
{
    /// <summary>A value before any key has set it.</summary>
    internal static readonly WebConfig Blank = new(new WebAddress.Unix(""), Arr<Host>.Empty);
}

/// <summary>Where the page is served.</summary>
public abstract record WebAddress
{
    private WebAddress() { }

    /// <summary>A TCP port of one address.</summary>
    /// <param name="Endpoint">Its host is a literal address.</param>
    public sealed record Tcp(Endpoint Endpoint) : WebAddress
    {
        /// <inheritdoc/>
        public override string ToString() => Endpoint.ToString();
    }

    /// <summary>A Unix socket.</summary>
    /// <param name="Path">Absolute, at most 107 bytes (unix(7)).</param>
    public sealed record Unix(string Path) : WebAddress
    {
        /// <inheritdoc/>
        public override string ToString() => Host.Unix.Prefix + Path;
    }

    /// <summary>Whether only this machine can reach it.</summary>
    public bool IsLocal => this is not Tcp { Endpoint.Host: Host.Address { Value: var ip } }
        || System.Net.IPAddress.IsLoopback(ip);
}
