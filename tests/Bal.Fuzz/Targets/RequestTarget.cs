using System.Text;
using Bal.Infrastructure.Hosting;

namespace Bal.Fuzz.Targets;

/// <summary>
/// What a client of the control socket sends, cut into pieces as the kernel may cut it: the first byte says how.
/// </summary>
internal static class RequestTarget
{
    internal static void Run(byte[] bytes)
    {
        if (bytes.Length == 0) return;
        var sent = bytes.AsSpan(1);
        var expected = Expected(sent);
        Claim.That(Outcome(sent, sent.Length) == expected, "a request in one piece is what stands before its newline");
        Claim.That(Outcome(sent, 1 + (bytes[0] % 64)) == expected, "pieces change no request");
        Claim.That(Outcome(sent, 1 + (bytes[0] * 16)) == expected, "large pieces change no request");
    }

    private static string Expected(ReadOnlySpan<byte> sent)
    {
        var end = sent.IndexOf((byte)'\n');
        var line = end < 0 ? sent : sent[..end];
        return line.Length > ControlServer.MaxRequest ? "too long" : "line " + Encoding.UTF8.GetString(line).Trim();
    }

    private static string Outcome(ReadOnlySpan<byte> sent, int piece)
    {
        var request = new RequestLine(ControlServer.MaxRequest);
        for (var at = 0; at < sent.Length && request.State == RequestState.Incomplete; at += piece)
            request.Take(sent[at..Math.Min(sent.Length, at + piece)]);
        Claim.That(request.Held <= ControlServer.MaxRequest, "no more is kept than a request may have");
        if (request.State == RequestState.Incomplete)
            request.End();
        return request.State == RequestState.TooLong ? "too long" : "line " + request.Text;
    }
}
