using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Specs.Config;

/// <summary>Where the page and the metrics are served. ConfigFormSpecs: what is printed is read again.</summary>
public sealed class WebSpecs
{
    [Theory]
    [InlineData("127.0.0.1:9900", true)]
    [InlineData("[::1]:9900", true)]
    [InlineData("unix:/run/bal/web.sock", true)]
    [InlineData("0.0.0.0:9900", false)]
    [InlineData("[::]:9900", false)]
    [InlineData("10.0.0.1:9900", false)]
    public void An_address_is_taken_and_one_that_others_reach_is_pointed_out(string address, bool isLocal)
    {
        var draft = Draft.Valid();
        var at = draft.Add(draft.Top, "web", address, quoted: true);

        var web = draft.Config().Web.Match(w => w, () => throw new InvalidOperationException());
        Assert.Equal(address, $"{web.Listen}");
        if (isLocal)
            Assert.Empty(draft.Validate().Findings);
        else
            Assert.Equal(("web_reachable_from_elsewhere", at), (draft.OnlyFinding().Code, draft.OnlyFinding().At));
    }

    [Theory]
    [InlineData("9900")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:http")]
    [InlineData("127.0.0.1:0")]
    [InlineData("::1:9900")]
    [InlineData("localhost:9900")]
    [InlineData("unix:web.sock")]
    [InlineData("unix:/run/")]
    [InlineData("unix:/012345678901234567890123456789012345678901234567890123456789"
        + "012345678901234567890123456789012345678901234567")]
    public void What_is_no_address_is_one_error(string address)
    {
        var draft = Draft.Valid();
        var at = draft.Add(draft.Top, "web", address, quoted: true);

        Assert.Equal(("web", at), (draft.OnlyFinding().Path, draft.OnlyFinding().At));
        Assert.True(draft.Validate().Config.IsNone);
    }

    [Fact]
    public void Its_long_form_has_names_and_must_have_an_address()
    {
        var draft = Draft.Valid();
        draft.Add(draft.Top, "web", draft.Mapping(
            draft.Entry("listen", draft.Scalar("127.0.0.1:9900")),
            draft.Entry("hosts", draft.Sequence(draft.Scalar("LB1.example.org")))));
        Assert.Equal(
            Prelude.Array<Host>(new Host.Name("lb1.example.org")),
            draft.Config().Web.Match(w => w.Hosts, () => Arr<Host>.Empty));

        var without = Draft.Valid();
        without.Add(without.Top, "web", without.Mapping(
            without.Entry("hosts", without.Sequence(without.Scalar("lb1.example.org")))));
        Assert.Equal("web.listen", without.OnlyFinding().Path);
    }
}
