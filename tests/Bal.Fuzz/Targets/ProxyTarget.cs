using Bal.Domain.Relay;

namespace Bal.Fuzz.Targets;

/// <summary>What a connection begins with that may be a PROXY header.</summary>
internal static class ProxyTarget
{
    private const int LongestLine = 107;

    internal static void Run(byte[] bytes)
    {
        var read = ProxyHeader.Read(bytes);
        switch (read.Part)
        {
            case ProxyHeaderPart.Incomplete:
                Claim.That(read.Length > bytes.Length && read.Length <= ProxyHeader.Longest,
                    "an incomplete header asks for more, and for no more than the longest one has");
                break;
            case ProxyHeaderPart.Whole:
                Whole(bytes, read);
                break;
            default:
                // What is no header cannot become one.
                Claim.That(ProxyHeader.Read([.. bytes, .. "\r\n"u8]).Part == ProxyHeaderPart.Invalid,
                    "more bytes make no header of what is none");
                break;
        }

        if (read.Part != ProxyHeaderPart.Whole)
            Claim.That(!read.Source.IsKnown && !read.Destination.IsKnown && !read.IsLocal, "a part names nobody");
        Looked(bytes, read);
    }

    private static void Whole(byte[] bytes, ProxyHeader read)
    {
        Claim.That(read.Length <= bytes.Length && read.Length is > 0 and <= ProxyHeader.Longest,
            "a whole header is there, and not too long");
        Claim.That(read.Source.IsKnown == read.Destination.IsKnown, "both ends are known or neither is");
        Claim.That(!read.IsLocal || !read.Source.IsKnown, "nobody stands behind LOCAL");
        Claim.That(ProxyHeader.Read(bytes.AsSpan(0, read.Length)) == read, "what follows changes nothing");
        Span<byte> again = stackalloc byte[ProxyHeader.LongestWritten];
        foreach (var version in new[] { ProxyVersion.V1, ProxyVersion.V2 })
        {
            var length = read.IsLocal
                ? ProxyHeader.WriteLocal(again, version)
                : ProxyHeader.Write(again, version, read.Source, read.Destination);
            Claim.That(ProxyHeader.Read(again[..length]) == read with
            {
                Length = length,
                IsLocal = read.IsLocal && version == ProxyVersion.V2,
            }, "what is read is passed on as it is");
        }
    }

    // As a loop does: it looks, and looks again once there is as much as it was told to await.
    private static void Looked(byte[] bytes, ProxyHeader whole)
    {
        var (looks, read) = (0, ProxyHeader.Read([]));
        while (read.Part == ProxyHeaderPart.Incomplete && read.Length <= bytes.Length)
        {
            Claim.That(++looks <= LongestLine, "a header is read in few looks");
            read = ProxyHeader.Read(bytes.AsSpan(0, read.Length));
        }

        Claim.That(read.Part switch
        {
            ProxyHeaderPart.Whole => read == whole,
            ProxyHeaderPart.Invalid => whole.Part == ProxyHeaderPart.Invalid,
            _ => whole.Part != ProxyHeaderPart.Whole,
        }, "it does not matter in which parts it comes");
    }
}
