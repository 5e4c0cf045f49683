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

    private static string Text(BalConfig config) =>
        Encoding.UTF8.GetString(CanonicalJson.Bytes(CanonicalJson.Config, config));

    private static Either<string, BalConfig> Read(string text) => CanonicalJson
        .Read(CanonicalJson.Config, Encoding.UTF8.GetBytes(text)).MapLeft(fault => fault.ToText());

    private static string Fixtures([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "../../Fixtures/0.1.0/handover");
}
