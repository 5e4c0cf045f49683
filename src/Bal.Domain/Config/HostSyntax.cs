using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Why a text is not a host.</summary>
/// <param name="Code">The code of the finding.</param>
/// <param name="Reason">What is wrong with it.</param>
/// <param name="Hint">What to write instead.</param>
internal sealed record HostFault(string Code, string Reason, string Hint);

/// <summary>The two parts of <c>HOST:PORT</c>, neither of them validated.</summary>
internal sealed record HostAndPort(string Host, string Port);

/// <summary>
/// Reads an IPv4 address, an IPv6 address or a host name, and brings it into the one form by which it is compared.
/// Forms that only some resolvers accept (<c>127.1</c>, <c>0x7f.1</c>, <c>010.0.0.1</c>) are refused.
/// </summary>
internal static class HostSyntax
{
    public const string Expected = "an IPv4 address, an IPv6 address or a host name";

    /// <summary>Reads <paramref name="text"/>.</summary>
    public static Either<HostFault, Host> Read(string text)
    {
        if (text.Length == 0)
            return Fault("it is empty", $"write {Expected}");
        if (text.StartsWith(Host.Unix.Prefix, StringComparison.Ordinal))
            return Fault("it is a Unix socket", "of a backend, write the key 'unix: /path' in place of host and port");
        if (text.Contains("//", StringComparison.Ordinal))
            return Fault("it is a URL", "write the host alone: no scheme, no path");
        if (text.Any(char.IsWhiteSpace))
            return Fault("it contains white space", "remove the white space");
        if (text == "*")
            return Fault("not an IP address", "write \"0.0.0.0\" for every IPv4 interface, \"::\" for IPv6 as well");
        if (text.StartsWith('['))
            return Bracketed(text);
        return text.Contains(':') ? WithColon(text) : NameOrIpv4(text);
    }

    /// <summary>Reads <c>HOST:PORT</c>, with an IPv6 address in brackets; none if either part is missing.</summary>
    public static Option<HostAndPort> Split(string text)
    {
        var colon = text.LastIndexOf(':');
        var host = colon > 0 ? text[..colon] : "";
        return host.Length == 0 || (host.Contains(':') && !(host.StartsWith('[') && host.EndsWith(']')))
            ? Option<HostAndPort>.None
            : new HostAndPort(host, text[(colon + 1)..]);
    }

    private static Either<HostFault, Host> Bracketed(string text)
    {
        var end = text.IndexOf(']', StringComparison.Ordinal);
        if (end < 0)
            return Fault("its bracket is not closed", "write an IPv6 address such as \"::1\" or \"[::1]\"");
        return end == text.Length - 1
            ? Ipv6(text[1..end])
            : PortInside(text[..(end + 1)], text[(end + 1)..].TrimStart(':'));
    }

    private static Either<HostFault, Host> WithColon(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return text.LastIndexOf(':') == colon && colon > 0
            ? PortInside(text[..colon], text[(colon + 1)..])
            : Ipv6(text);
    }

    private static Either<HostFault, Host> PortInside(string host, string port) =>
        new HostFault("port_in_host", "it includes a port",
            $"write the host alone (\"{Shown.Text(host)}\") and the port under its own key (port: {Shown.Text(port)})");

    private static Either<HostFault, Host> Ipv6(string text)
    {
        var zone = text.IndexOf('%', StringComparison.Ordinal);
        var address = zone < 0 ? text : text[..zone];
        // IPAddress.TryParse also takes prefixes, ports and 0x; the alphabet and the embedded IPv4 are checked first.
        var tail = address[(address.LastIndexOf(':') + 1)..];
        var clean = address.All(c => char.IsAsciiHexDigit(c) || c is ':' or '.')
            && (!address.Contains('.') || IsDottedQuad(tail))
            && (zone < 0 || IsZone(text[(zone + 1)..]));
        if (!clean || !IPAddress.TryParse(text, out var parsed) || parsed.AddressFamily != AddressFamily.InterNetworkV6)
            return Fault("not an IPv6 address", zone < 0
                ? "write it as in \"2001:db8::10\""
                : "write the zone as the number that 'ip link' shows, as in \"fe80::1%2\"");
        return new Host.Address(parsed.IsIPv4MappedToIPv6 ? parsed.MapToIPv4() : parsed);
    }

    private static Either<HostFault, Host> NameOrIpv4(string text)
    {
        var name = (text.EndsWith('.') ? text[..^1] : text).ToLowerInvariant();
        var labels = name.Split('.');
        if (HostName.IsNumber(labels[^1]))
            return IsDottedQuad(text)
                ? new Host.Address(IPAddress.Parse(text))
                : Fault("not an IPv4 address",
                    "write four decimal numbers from 0 to 255 without leading zeros, such as \"10.0.0.1\"");
        if (!name.All(char.IsAscii))
            return Fault("it contains letters that are not ASCII", "write the name in its xn-- form (RFC 3490)");
        if (name.Length > HostName.MaxLength || labels.Any(label => label.Length > HostName.MaxLabel))
            return Fault("it is too long",
                $"names have at most {HostName.MaxLength} characters, each label at most {HostName.MaxLabel}");
        if (labels.Any(label => label.Length == 0))
            return Fault("it has an empty label", "write labels separated by single dots");
        return labels.All(label => HostName.IsLabel(label))
            ? new Host.Name(name)
            : Fault("not a host name", "use letters, digits, '-' and '_', with no '-' at either end of a label");
    }

    private static bool IsDottedQuad(string text) => text.Split('.') is { Length: 4 } parts && parts.All(part =>
        part.Length is > 0 and <= 3 && part.All(char.IsAsciiDigit) && (part.Length == 1 || part[0] != '0')
        && int.Parse(part, CultureInfo.InvariantCulture) <= 255);

    private static bool IsZone(string zone) => zone.Length is > 0 and <= 9 && zone.All(char.IsAsciiDigit);

    private static Either<HostFault, Host> Fault(string reason, string hint) =>
        new HostFault("invalid_host", reason, hint);
}
