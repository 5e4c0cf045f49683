using System.Net;
using Bal.Infrastructure.DataPlane;

namespace Bal.Integration.DataPlane;

/// <summary>Whether two services would get the same clients, once names have become addresses.</summary>
public sealed class TakenAddressesSpecs
{
    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", true)]
    [InlineData("::1", "::1", true)]
    [InlineData("0.0.0.0", "127.0.0.1", true)]
    [InlineData("::", "::1", true)]
    [InlineData("::", "127.0.0.1", true)]
    [InlineData("127.0.0.1", "127.0.0.2", false)]
    [InlineData("127.0.0.1", "::1", false)]
    [InlineData("0.0.0.0", "::1", false)]
    public void Two_services_may_not_share_an_address_in_either_order(string one, string other, bool shared)
    {
        Assert.Equal(shared, Refused(one, other));
        Assert.Equal(shared, Refused(other, one));
    }

    [Fact]
    public void A_port_of_its_own_is_enough_and_so_is_the_own_service()
    {
        var taken = new TakenAddresses();

        Assert.True(taken.Enter(At("0.0.0.0", 1), "a").IsRight);
        Assert.True(taken.Enter(At("127.0.0.1", 1), "a").IsRight);
        Assert.True(taken.Enter(At("127.0.0.1", 2), "b").IsRight);
        Assert.True(taken.Enter(At("127.0.0.1", 1), "c").IsLeft);
    }

    [Fact]
    public void The_problem_names_both_services_and_the_address()
    {
        var taken = new TakenAddresses();
        _ = taken.Enter(At("127.0.0.1", 1), "a");

        taken.Enter(At("127.0.0.1", 1), "b").Match(
            Right: _ => Assert.Fail("it was accepted"),
            Left: problem => Assert.Equal(
                "services a and b would both accept connections to 127.0.0.1:1", problem.WhatHappened));
    }

    private static bool Refused(string one, string other)
    {
        var taken = new TakenAddresses();
        Assert.True(taken.Enter(At(one, 1), "a").IsRight);
        return taken.Enter(At(other, 1), "b").IsLeft;
    }

    private static BoundAddress At(string address, int port) => new(IPAddress.Parse(address), port, V6Only: false);
}
