using System.Net;
using Bal.Domain.Web;
using FsCheck;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Web;

/// <summary>Who may read the page: nobody whose name a foreign page could have chosen.</summary>
public sealed class HostRuleSpecs
{
    private static readonly Arr<string> Names = Prelude.Array("lb1", "LB1.example.org");

    [Property]
    public void An_address_is_allowed_with_a_port_and_without(byte[] bytes, bool wide, ushort port)
    {
        var address = new IPAddress([.. bytes.Concat(new byte[16]).Take(wide ? 16 : 4)]);
        var host = wide ? $"[{address}]" : $"{address}";

        Assert.True(HostRule.Allows(host, Names));
        Assert.True(HostRule.Allows($"{host}:{port}", Names));
        Assert.True(HostRule.AllowsOrigin($"http://{host}:{port}", Names));
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST:9900", true)]
    [InlineData("lb1.example.org", true)]
    [InlineData("lb1.example.org.:80", true)]
    [InlineData("", true)]
    [InlineData("evil.example", false)]
    [InlineData("lb1.example.org.evil.example", false)]
    [InlineData("127.0.0.1.evil.example", false)]
    [InlineData("localhost.evil.example:9900", false)]
    [InlineData("xlb1", false)]
    [InlineData("[evil.example]", false)]
    [InlineData(".", false)]
    [InlineData(":80", false)]
    public void A_name_is_allowed_if_it_is_known(string host, bool allowed) =>
        Assert.Equal(allowed, HostRule.Allows(host, Names));

    [Property]
    public void No_other_name_is_allowed_by_whatever_stands_around_it(NonNull<string> before, NonNull<string> after)
    {
        var label = new string([.. before.Get.Concat(after.Get).Where(char.IsAsciiLetter)]);

        Assert.False(HostRule.Allows($"{label}.evil.example", Names));
        Assert.False(HostRule.AllowsOrigin($"http://{label}x.evil.example:9900", Names));
        Assert.False(HostRule.AllowsOrigin("null", Names));
    }
}
