using Bal.Domain.Config;
using LanguageExt;

namespace Bal.Domain.Specs.Config;

/// <summary>The search order: --config, BAL_CONFIG, BAL_HOME/config.yaml, /etc/bal/config.yaml.</summary>
public class ConfigLocationSpecs
{
    private const string InHome = "/home/op/.bal/config.yaml";

    [Theory]
    [InlineData("a.yaml", "b.yaml", "a.yaml", ConfigSource.Argument)]
    [InlineData(null, "b.yaml", "b.yaml", ConfigSource.Environment)]
    [InlineData(null, "", InHome, ConfigSource.Home)]
    [InlineData(null, null, InHome, ConfigSource.Home)]
    public void The_first_place_that_is_named_wins(string? argument, string? environment, string path,
        ConfigSource source) =>
        Assert.Equal(new ConfigLocation.Found(path, source), Find(argument, environment, _ => true));

    [Fact]
    public void The_system_file_is_the_last_resort() =>
        Assert.Equal(new ConfigLocation.Found(ConfigLocation.SystemPath, ConfigSource.System),
            Find(null, null, path => path == ConfigLocation.SystemPath));

    [Theory]
    [InlineData("a.yaml", "b.yaml", "a.yaml", ConfigSource.Argument)]
    [InlineData(null, "b.yaml", "b.yaml", ConfigSource.Environment)]
    public void A_file_that_was_named_and_is_missing_is_never_replaced_by_another(
        string? argument, string? environment, string path, ConfigSource source) =>
        Assert.Equal(new ConfigLocation.Missing(Prelude.Array(path), source),
            Find(argument, environment, other => other != path));

    [Fact]
    public void Where_none_exists_every_place_that_was_looked_at_is_named() =>
        Assert.Equal(
            new ConfigLocation.Missing(Prelude.Array(InHome, ConfigLocation.SystemPath), ConfigSource.System),
            Find(null, null, _ => false));

    private static ConfigLocation Find(string? argument, string? environment, Func<string, bool> exists) =>
        ConfigLocation.Find(Prelude.Optional(argument), Prelude.Optional(environment), "/home/op/.bal/", exists);
}
