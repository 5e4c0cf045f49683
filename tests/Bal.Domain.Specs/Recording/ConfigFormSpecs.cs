using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using Bal.Domain.Config;
using Bal.Domain.Recording;
using Bal.Domain.Specs.Config;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Recording;

/// <summary>The form of a configuration in a hand-over and in a decision log.</summary>
[Properties(Arbitrary = [typeof(Trees)])]
public class ConfigFormSpecs
{
    [Property]
    public void A_configuration_survives_being_written_and_read(BalConfig config) =>
        Assert.Equal(Either<string, BalConfig>.Right(config), Read(Text(config)));

    [Fact]
    public void What_0_1_0_wrote_is_read_and_written_again_to_the_letter()
    {
        var documents = Directory.GetFiles(Fixtures(), "*.json");

        Assert.NotEmpty(documents);
        Assert.All(documents, file =>
        {
            var config = JsonNode.Parse(File.ReadAllText(file))!["state"]!["config"]!.ToJsonString();
            Assert.Equal(Either<string, string>.Right(config), Read(config).Map(Text));
        });
    }

    [Fact]
    public void A_member_that_is_missing_or_null_has_its_default_and_one_that_is_unknown_is_refused()
    {
        var text = Text(Draft.Valid().Config());
        var (less, more) = (JsonNode.Parse(text)!, JsonNode.Parse(text)!);
        less["services"]![0]!["runtime"]!.AsObject().Remove("relay");
        less["services"]![0]!.AsObject().Remove("method");
        less["log_level"] = null;
        more["services"]![0]!["backends"]![1]!["future"] = 1;

        Assert.Equal(Read(text), Read(less.ToJsonString()));
        Assert.Equal(
            Either<string, BalConfig>.Left("unknown key 'future' in 'services[0].backends[1]'"),
            Read(more.ToJsonString()));
    }

    [Property]
    public void What_0_1_0_would_not_heed_is_named(BalConfig config)
    {
        var lists = config.Services.Exists(service => service.Listener.Addresses.Count > 1);

        Assert.Equal(
            (config.IsSingle ? [] : new[] { "services" }).Concat(lists ? ["bind_address"] : []),
            FirstRelease.Ignores(config).Filter(key => key is "services" or "bind_address"));
    }

    [Fact]
    public void A_document_without_the_keepalive_was_written_by_a_version_without_one()
    {
        var text = JsonNode.Parse(Text(Draft.Valid().Config()))!;
        Assert.Equal(60_000, (int?)text["services"]![0]!["runtime"]!["tcp_keepalive_ms"]);

        text["services"]![0]!["runtime"]!.AsObject().Remove("tcp_keepalive_ms");

        Assert.Equal(0, Read(text.ToJsonString()).Map(c => c.Main.Tuning.Keepalive.Milliseconds).IfLeft(-1));
    }

    [Theory]
    [InlineData("tcp_keepalive_ms", "60000", true)]
    [InlineData("tcp_keepalive_ms", "0", true)]
    [InlineData("tcp_keepalive_ms", "30000", false)]
    [InlineData("half_closed_timeout_ms", "idle", true)]
    [InlineData("half_closed_timeout_ms", "30000", false)]
    [InlineData("slow_start_ms", "0", true)]
    [InlineData("slow_start_ms", "30000", false)]
    [InlineData("connection_idle_timeout_ms", "120000", true)]
    [InlineData("connection_idle_timeout_ms", "0", false)]
    public void To_0_1_0_goes_what_is_its_own_or_the_default_of_today(string key, string value, bool goes)
    {
        var draft = Draft.Valid();
        draft.Add(draft.Runtime, key, value);

        Assert.Equal(goes ? Arr<string>.Empty : Prelude.Array(key), FirstRelease.Ignores(draft.Config()));
    }

    private static string Text(BalConfig config) =>
        Encoding.UTF8.GetString(CanonicalJson.Bytes(CanonicalJson.Config, config));

    private static Either<string, BalConfig> Read(string text) => CanonicalJson
        .Read(CanonicalJson.Config, Encoding.UTF8.GetBytes(text)).MapLeft(fault => fault.ToText());

    private static string Fixtures([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "../../Fixtures/0.1.0/handover");
}
