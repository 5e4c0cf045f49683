using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Admission;

/// <summary>What a file of networks gave.</summary>
/// <param name="Networks">The networks, as far as they could be read.</param>
/// <param name="Count">How many there are, before what overlaps was put together.</param>
/// <param name="Findings">Every line that is wrong, up to <see cref="NetworkFile.MostFindings"/>.</param>
public sealed record NetworkFileOutcome(NetworkSet Networks, int Count, Arr<Finding> Findings);

/// <summary>
/// Reads a file of networks: one a line, <c>#</c> begins a comment. Whoever can make bal read a file must not learn
/// from its errors what is in it, so that of a wrong line no more is shown than a network could consist of.
/// </summary>
public static class NetworkFile
{
    /// <summary>The largest file that is read: 16 MiB.</summary>
    public const int MaxBytes = 16 << 20;

    /// <summary>Lines that are reported; who has more of them has given the wrong file.</summary>
    public const int MostFindings = 20;

    private const string Alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:/";

    /// <summary>Reads the content of a file.</summary>
    /// <param name="path">What messages call it.</param>
    /// <param name="bytes">The content.</param>
    /// <param name="most">How many networks it may have.</param>
    public static NetworkFileOutcome Read(string path, ReadOnlySpan<byte> bytes, int most)
    {
        var (networks, findings) = (new List<Network>(), new List<Finding>());
        Span<char> text = stackalloc char[Network.LongestText];
        for (var line = 1; !bytes.IsEmpty && findings.Count < MostFindings; line++)
        {
            var end = bytes.IndexOf((byte)'\n');
            var whole = end < 0 ? bytes : bytes[..end];
            bytes = end < 0 ? [] : bytes[(end + 1)..];
            var comment = whole.IndexOf((byte)'#');
            var token = (comment < 0 ? whole : whole[..comment]).Trim(" \t\r"u8);
            if (token.IsEmpty)
                continue;
            var column = 1 + whole.IndexOf(token);
            if (networks.Count == most)
            {
                findings.Add(At(path, line, column, "too_many_networks",
                    $"the configuration has more than {NetworkSet.Most} networks in all",
                    "put neighbouring networks together, or block them in the firewall"));
                break;
            }

            var length = Math.Min(token.Length, text.Length);
            for (var i = 0; i < length; i++)
                text[i] = (char)token[i];
            var read = token.Length <= text.Length
                ? Network.Read(text[..length])
                : new NetworkFault("not an address or a network", "write one a line, such as 10.0.0.0/8");
            if (read.Case is NetworkFault fault)
                findings.Add(At(path, line, column, "invalid_network",
                    $"expected an address or a network, {Shown(token)}: {fault.Reason}", fault.Hint));
            else
                read.IfRight(networks.Add);
        }

        return new(NetworkSet.Of(networks), networks.Count, new Arr<Finding>(findings));
    }

    private static string Shown(ReadOnlySpan<byte> token) =>
        token.Length <= Network.LongestText && !token.ContainsAnyExcept(System.Text.Encoding.ASCII.GetBytes(Alphabet))
            ? $"found \"{System.Text.Encoding.ASCII.GetString(token)}\""
            : "found other text";

    private static Finding At(string path, int line, int column, string code, string message, string hint) => new(
        Severity.Error, code, "", SourcePosition.None, $"{path}:{line}:{column}: {message}", hint);
}
