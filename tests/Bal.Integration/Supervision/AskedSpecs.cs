using Bal.Infrastructure.Hosting;
using Bal.Infrastructure.Linux;

namespace Bal.Integration.Supervision;

/// <summary>The log says who asked for a change, and nothing of a request that is refused as unknown.</summary>
public sealed class AskedSpecs
{
    [Theory]
    [InlineData("graceful", true)]
    [InlineData("stop", true)]
    [InlineData("stop 0", true)]
    [InlineData("upgrade 5000", true)]
    [InlineData("stop -1", false)]
    [InlineData("stop abc", false)]
    [InlineData("stop 99999999999999999999", false)]
    [InlineData("upgrade", false)]
    [InlineData("upgrade soon", false)]
    [InlineData("status", false)]
    public void Only_a_request_that_bal_understands_is_said_to_be_one(string request, bool said) =>
        Assert.Equal(said, Asked.For(request, new Peer(1, 0)).IsSome);
}
