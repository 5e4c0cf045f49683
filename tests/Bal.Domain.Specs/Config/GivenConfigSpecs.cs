using System.Globalization;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using FsCheck;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Config;

/// <summary>A configuration that the command line gives in place of a file.</summary>
public sealed class GivenConfigSpecs
{
    [Property]
    public void It_means_what_a_file_with_the_same_values_means(PositiveInt port, byte last, PositiveInt backends)
    {
        var number = (port.Get % 65535) + 1;
        var count = (backends.Get % 5) + 1;
        var addresses = Enumerable.Range(1, count)
            .Select(i => string.Create(CultureInfo.InvariantCulture, $"10.0.{last}.{i}:{9000 + i}"));
        var given = new GivenConfig(
            string.Create(CultureInfo.InvariantCulture, $"127.0.0.{last}:{number}"), new Arr<string>(addresses));

        var config = Valid(given);

        Assert.Equal(given.Backends, config.Main.Backends.Map(backend => $"{backend.Endpoint}"));
        Assert.Equal($"127.0.0.{last}", $"{config.Main.Listener.Addresses[0]}");
        Assert.Equal(number, config.Main.Listener.Port);
        // Everything else is as if a file had left it out, auto-tuning by the number of backends included.
        Assert.Equal(Settings.Runtime.Defaults(count, Tuning.Blank), config.Main.Tuning);
        Assert.Equal(given, Parsed(given.Arguments));
    }

    [Theory]
    [InlineData("9295", "10.0.0.1:80")]
    [InlineData("::1:9295", "10.0.0.1:80")]
    [InlineData("127.0.0.1:0", "10.0.0.1:80")]
    [InlineData("127.0.0.1:http", "10.0.0.1:80")]
    [InlineData("127.0.0.1:9295", "10.0.0.1")]
    [InlineData("127.0.0.1:9295", "http://10.0.0.1:80")]
    public void What_a_file_would_not_be_allowed_to_say_is_an_error_with_a_remedy(string listen, string backend)
    {
        var outcome = new GivenConfig(listen, Prelude.Array(backend)).Validate(HostFacts.Unknown);

        Assert.True(outcome.Config.IsNone);
        Assert.All(outcome.Findings.Filter(f => f.Severity == Severity.Error), f => Assert.NotEqual("", f.Hint));
    }

    [Fact]
    public void Without_a_listener_it_is_that_of_a_file_without_one()
    {
        var config = Valid(new GivenConfig(Option<string>.None, Prelude.Array("10.0.0.1:80")));

        Assert.Equal(ConfigValidation.DefaultPort, config.Main.Listener.Port);
        Assert.Equal("0.0.0.0", $"{config.Main.Listener.Addresses[0]}");
    }

    private static BalConfig Valid(GivenConfig given) => given.Validate(HostFacts.Unknown).Config
        .Match(config => config, () => throw new InvalidOperationException("not valid"));

    private static GivenConfig Parsed(Arr<string> arguments)
    {
        var pairs = arguments.Chunk(2).ToArray();
        return new GivenConfig(
            Prelude.Optional(pairs.FirstOrDefault(pair => pair[0] == "--listen")?[1]),
            new Arr<string>(pairs.Where(pair => pair[0] == "--backend").Select(pair => pair[1])));
    }
}
