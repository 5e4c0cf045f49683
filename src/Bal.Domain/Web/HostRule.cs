using System.Net;
using LanguageExt;

namespace Bal.Domain.Web;

/// <summary>
/// By which names the page may be asked for. A foreign page can have its own name lead to this machine (DNS rebinding),
/// and would then read everything; it cannot do so with an address, or with a name that it does not own.
/// </summary>
public static class HostRule
{
    /// <summary>Whether a request is answered.</summary>
    /// <param name="host">The header <c>Host</c>; empty where there is none, which no browser leaves out.</param>
    /// <param name="names">This machine's own name, and those that the configuration allows.</param>
    public static bool Allows(string host, Arr<string> names)
    {
        var name = NameIn(host.Trim()).TrimEnd('.');
        return name.Length == 0 && host.Trim().Length == 0
            || IPAddress.TryParse(name, out _)
            || name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (name.Length > 0 && names.Exists(
                known => known.TrimEnd('.').Equals(name, StringComparison.OrdinalIgnoreCase)));
    }

    /// <summary>The same for the header <c>Origin</c>, which browsers add where a page asks for something.</summary>
    public static bool AllowsOrigin(string origin, Arr<string> names) =>
        origin.Length == 0
        || (Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Host.Length > 0 && Allows(uri.Host, names));

    // Without its port; an IPv6 address stands in brackets.
    private static string NameIn(string host)
    {
        if (host.StartsWith('['))
            return host.IndexOf(']', StringComparison.Ordinal) is > 0 and var end ? host[1..end] : "";
        var colon = host.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? host : host[..colon];
    }
}
