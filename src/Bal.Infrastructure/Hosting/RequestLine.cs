using System.Text;

namespace Bal.Infrastructure.Hosting;

/// <summary>The state of a request; the last two are final.</summary>
internal enum RequestState
{
    /// <summary>Incomplete.</summary>
    Incomplete,

    /// <summary>Complete.</summary>
    Complete,

    /// <summary>It is longer than a request may be.</summary>
    TooLong,
}

/// <summary>
/// A request as it arrives: the bytes before the first newline, or before the end of the stream, in pieces of any size.
/// The pieces change nothing: the same bytes give the same outcome however they are cut. What follows the newline is
/// not looked at.
/// </summary>
/// <param name="most">The most bytes that a line may have, its newline not counted; no more is ever kept.</param>
internal sealed class RequestLine(int most)
{
    private readonly List<byte> line = [];

    public RequestState State { get; private set; }

    /// <summary>The bytes kept.</summary>
    public int Held => line.Count;

    /// <summary>
    /// The request without the white space around it; what is not UTF-8 is replaced by U+FFFD, and then no known
    /// request.
    /// </summary>
    public string Text => Encoding.UTF8.GetString(line.ToArray()).Trim();

    /// <summary>Takes what has come next; nothing once the outcome is known.</summary>
    public void Take(ReadOnlySpan<byte> piece)
    {
        if (State != RequestState.Incomplete)
            return;
        var end = piece.IndexOf((byte)'\n');
        var more = end < 0 ? piece : piece[..end];
        if (line.Count + more.Length > most)
        {
            State = RequestState.TooLong;
            return;
        }

        line.AddRange(more);
        if (end >= 0)
            State = RequestState.Complete;
    }

    /// <summary>The client sends no more: what has come is the request.</summary>
    public void End()
    {
        if (State == RequestState.Incomplete)
            State = RequestState.Complete;
    }
}
