using System.Globalization;
using System.Net;
using LanguageExt;

namespace Bal.Domain.Simulation;

/// <summary>A network that simulated clients come from: one address after the other, over and over.</summary>
/// <param name="First">Its first address.</param>
/// <param name="Prefix">The bits that all its addresses have in common.</param>
public sealed record ClientNetwork(IPAddress First, int Prefix)
{
    /// <summary>The address of a client, in network order.</summary>
    /// <param name="number">Which client it is, counted from 0.</param>
    public byte[] AddressOf(long number)
    {
        var bytes = First.GetAddressBytes();
        for (var at = bytes.Length - 1; at >= 0; at--, number >>= 8)
            bytes[at] |= (byte)(number & FreeAt(at));
        return bytes;
    }

    /// <summary>Reads <c>ADDRESS/BITS</c>; none where it is no network, or has bits set behind its prefix.</summary>
    public static Option<ClientNetwork> Parse(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && IPAddress.TryParse(text.AsSpan(0, slash), out var first)
            && int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var prefix)
            && prefix <= first.GetAddressBytes().Length * 8
            && new ClientNetwork(first, prefix) is var network && network.IsWhole
                ? Option<ClientNetwork>.Some(network)
                : Option<ClientNetwork>.None;
    }

    private bool IsWhole
    {
        get
        {
            var bytes = First.GetAddressBytes();
            return Enumerable.Range(0, bytes.Length).All(at => (bytes[at] & FreeAt(at)) == 0);
        }
    }

    // The bits of a byte that are not of the prefix.
    private int FreeAt(int place) => 0xFF >> Math.Clamp(Prefix - 8 * place, 0, 8);
}
