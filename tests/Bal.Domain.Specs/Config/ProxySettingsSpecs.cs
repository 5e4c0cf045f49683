using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Relay;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Config;

/// <summary>Whose PROXY headers are believed and who gets one: what is refused, and what wins.</summary>
public class ProxySettingsSpecs
{
    [Property]
    public void What_a_backend_says_wins_over_its_service(ProxyVersion service, ProxyVersion own, bool says)
    {
        var draft = Draft.Valid(1);
        draft.Add(
            draft.Top, "proxy_protocol", draft.Mapping(draft.Entry("send", draft.Scalar(Word(service)))));
        if (says)
        {
            var backend = (RawNode.Mapping)draft.Backends[0];
            draft.Backends[0] = draft.Mapping(
                [.. backend.Entries, draft.Entry("proxy_protocol", draft.Scalar(Word(own)))]);
        }

        var read = draft.Config().Services[0];

        Assert.Equal(says ? own : service, read.HeaderFor(read.Backends[0]));
    }

    [Theory]
    [InlineData("10.0.0.1/8", "the network meant may be 10.0.0.0/8")]
    [InlineData("UNIX", "write it as 10.0.0.0/8, 10.1.2.3 or 2001:db8::/32")]
    [InlineData("proxy.internal", "write it as 10.0.0.0/8, 10.1.2.3 or 2001:db8::/32")]
    public void A_peer_that_is_none_is_told_in_its_place_with_what_to_write(string peer, string hint)
    {
        var draft = Draft.Valid();
        var item = draft.Scalar(peer);
        AcceptFrom(draft, draft.Sequence(draft.Scalar("unix"), item, draft.Scalar("10.0.0.2")));

        var finding = draft.OnlyFinding();

        Assert.Equal((item.At, "proxy_protocol.accept_from[1]", hint), (finding.At, finding.Path, finding.Hint));
        Assert.Contains("expected an address, a network or unix", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_peer_that_is_not_in_a_list_is_told_to_be_one()
    {
        var draft = Draft.Valid();
        AcceptFrom(draft, draft.Scalar("10.0.0.0/8"));
        Assert.Equal("write '- 10.0.0.0/8' below it, indented by two more spaces", draft.OnlyFinding().Hint);
    }

    [Theory]
    [InlineData("accept_from")]
    [InlineData("send")]
    public void A_key_in_the_wrong_place_is_told_where_it_belongs(string key)
    {
        var draft = Draft.Valid();
        draft.Add(draft.Top, key, "v2");
        Assert.Equal($"'{key}' belongs under 'proxy_protocol:'", draft.OnlyFinding().Hint);
    }

    [Theory]
    [InlineData(new[] { "0.0.0.0/0" }, true)]
    [InlineData(new[] { "::/0" }, true)]
    [InlineData(new[] { "0.0.0.0/1", "128.0.0.0/1" }, true)]
    [InlineData(new[] { "0.0.0.0/1", "128.0.0.0/2" }, false)]
    public void Whoever_believes_everybody_is_warned(string[] peers, bool warned)
    {
        var draft = Draft.Valid();
        AcceptFrom(draft, draft.Sequence([.. peers.Select(peer => draft.Scalar(peer))]));

        var findings = draft.Validate().Findings.Filter(finding => finding.Code == "trusts_every_peer");

        Assert.Equal(warned ? 1 : 0, findings.Count);
        Assert.All(findings, finding => Assert.Equal(Severity.Warning, finding.Severity));
    }

    private static void AcceptFrom(Draft draft, RawNode peers) =>
        draft.Add(draft.Top, "proxy_protocol", draft.Mapping(draft.Entry("accept_from", peers)));

    private static string Word(ProxyVersion version) => version switch
    {
        ProxyVersion.V1 => "v1",
        ProxyVersion.V2 => "v2",
        _ => "none",
    };
}
