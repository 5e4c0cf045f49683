using System.Text;
using Bal.Domain.Config;
using Bal.Infrastructure.Config;
using LanguageExt;

namespace Bal.Integration.Config;

/// <summary>The file that <c>bal init</c> writes.</summary>
public sealed class StarterFileTests
{
    [Theory]
    [InlineData("127.0.0.1:80", "10.0.0.1:9000")]
    [InlineData("[::1]:9295", "[2001:db8::1]:9000", "db.example.org:5432")]
    [InlineData("0.0.0.0:65535", "10.0.0.1:1", "10.0.0.2:2", "10.0.0.3:3")]
    public void It_is_read_as_what_was_given_and_without_a_warning_of_its_own(string listen, params string[] backends)
    {
        var given = new GivenConfig(listen, new Arr<string>(backends)).Validate(HostFacts.Unknown);
        var config = given.Config.Match(c => c, () => throw new InvalidOperationException());

        var text = StarterFile.Text(config.Main);

        var read = YamlReader.Read(Encoding.UTF8.GetBytes(text)).Match(
            Right: document => ConfigValidation.Validate(document, HostFacts.Unknown),
            Left: finding => throw new InvalidOperationException(finding.Message));
        Assert.Equal(config, read.Config.Match(c => c, () => throw new InvalidOperationException()));
        Assert.Equal(given.Findings.Map(f => f.Code), read.Findings.Map(f => f.Code));
    }

    // Who removes a '#' gets a key that works.
    [Fact]
    public void Its_comments_show_valid_keys()
    {
        var config = new GivenConfig("127.0.0.1:80", Prelude.Array("10.0.0.1:9000")).Validate(HostFacts.Unknown).Config
            .Match(c => c, () => throw new InvalidOperationException());
        var lines = StarterFile.Text(config.Main).Split('\n');
        var settings = lines.Select(line => line.StartsWith("# web:", StringComparison.Ordinal)
            || line.StartsWith("# runtime:", StringComparison.Ordinal)
            || line.StartsWith("#   max_", StringComparison.Ordinal)
            || line.StartsWith("#   connection_", StringComparison.Ordinal) ? line[2..] : line);
        var backends = lines.Where(line => line.StartsWith("#   - {", StringComparison.Ordinal)).Select(l => l[2..]);
        var text = string.Join(
            '\n', settings.SelectMany(line => line == "backends:" ? backends.Prepend(line) : [line]));

        var read = YamlReader.Read(Encoding.UTF8.GetBytes(text)).Match(
            Right: document => ConfigValidation.Validate(document, HostFacts.Unknown),
            Left: finding => throw new InvalidOperationException(finding.Message));

        Assert.Empty(read.Findings);
        Assert.Equal(3, read.BackendCount);
        Assert.True(read.Config.Exists(c => c.Web.IsSome));
    }
}
