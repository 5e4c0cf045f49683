using Bal.Domain.Relay;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Relay;

/// <summary>Which congestion control a connection within the machine gets.</summary>
public class LoopbackCongestionSpecs
{
    [Property]
    public void Every_version_of_bbr_gives_way_to_one_that_does_not_pace(byte version) =>
        Assert.Equal(LoopbackCongestion.Unpaced, LoopbackCongestion.InsteadOf(version == 0 ? "bbr" : $"bbr{version}"));

    [Property]
    public void What_is_no_bbr_stays_as_the_administrator_chose_it(string name)
    {
        var algorithm = name ?? "";
        if (!algorithm.StartsWith("bbr", StringComparison.Ordinal))
            Assert.True(LoopbackCongestion.InsteadOf(algorithm).IsNone);
    }

    [Theory]
    [InlineData("cubic")]
    [InlineData("dctcp")]
    [InlineData("")]
    public void The_algorithms_of_kernels_without_bbr_stay(string algorithm) =>
        Assert.True(LoopbackCongestion.InsteadOf(algorithm).IsNone);

    [Fact]
    public void What_it_gives_way_to_is_not_replaced_again() =>
        Assert.True(LoopbackCongestion.InsteadOf(LoopbackCongestion.Unpaced).IsNone);
}
