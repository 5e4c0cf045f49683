using System.Text;
using Bal.Infrastructure.Hosting;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Integration.Supervision;

/// <summary>A request is the bytes before the first newline, however the kernel has cut them.</summary>
public sealed class RequestLineSpecs
{
    private const int Most = 16;

    [Property]
    public Property Pieces_change_nothing() => Prop.ForAll(
        Gen.Elements((byte)'\n', (byte)'a', (byte)' ', (byte)0xFF, (byte)0).ArrayOf(3).ListOf().ToArbitrary(),
        pieces =>
        {
            var whole = pieces.SelectMany(p => p).ToArray();
            var end = Array.IndexOf(whole, (byte)'\n');
            var line = end < 0 ? whole : whole[..end];
            var request = new RequestLine(Most);
            foreach (var piece in pieces)
                request.Take(piece);
            request.End();

            Assert.Equal(line.Length > Most ? RequestState.TooLong : RequestState.Complete, request.State);
            Assert.InRange(request.Held, 0, Most);
            if (request.State == RequestState.Complete)
                Assert.Equal(Encoding.UTF8.GetString(line).Trim(), request.Text);
        });

    [Theory]
    [InlineData(Most, false)]
    [InlineData(Most + 1, true)]
    public void A_line_of_exactly_the_limit_is_taken(int length, bool tooLong)
    {
        var request = new RequestLine(Most);
        request.Take([.. new byte[length], (byte)'\n', .. new byte[100]]);

        Assert.Equal(tooLong ? RequestState.TooLong : RequestState.Complete, request.State);
    }

    [Fact]
    public void Nothing_is_decided_before_the_newline_or_the_end()
    {
        var request = new RequestLine(Most);
        request.Take("status"u8);
        Assert.Equal(RequestState.Incomplete, request.State);
        request.End();
        Assert.Equal((RequestState.Complete, "status"), (request.State, request.Text));
    }
}
