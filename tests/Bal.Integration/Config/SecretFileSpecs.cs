using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.Config;
using Bal.Integration.Process;

namespace Bal.Integration.Config;

/// <summary><c>send_file</c>: what a health check sends, from a file that others may not read.</summary>
public sealed class SecretFileSpecs : IDisposable
{
    private readonly TempDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void It_is_read_as_it_is_from_beside_the_configuration()
    {
        var sent = Loaded("AUTH geheim\r\n\\n").Outcome.Config.Map(config =>
            config.Main.HealthCheck.Secrets[0].Bytes.Map(octets => octets.ToString()).IfNone("")).IfNone("");
        Assert.Equal(@"AUTH geheim\r\n\\n", sent);
    }

    [Theory]
    [InlineData("secret", 4_097, UnixFileMode.UserRead, "file_too_large")]
    [InlineData("secret", 0, UnixFileMode.UserRead, "file_empty")]
    [InlineData("secret", 1, UnixFileMode.UserRead | UnixFileMode.OtherRead, "file_readable_by_others")]
    public void It_is_refused_where_it_is_not_fit_and_nothing_of_it_is_shown(
        string text, int times, UnixFileMode mode, string code)
    {
        var outcome = Loaded(string.Concat(Enumerable.Repeat(text, times)), mode).Outcome;
        Assert.True(outcome.Config.IsNone);
        var finding = Assert.Single(outcome.Findings.Filter(f => f.Severity == Severity.Error));
        Assert.Equal(code, finding.Code);
        Assert.DoesNotContain("secret", finding.Message.Replace("secret-file", "", StringComparison.Ordinal),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_an_error() => Assert.Contains(
        Load().Outcome.Findings, finding => finding.Code == "file_missing");

    private LoadedConfig Loaded(string content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        var file = directory.File("secret-file");
        File.WriteAllText(file, content);
        File.SetUnixFileMode(file, mode);
        return Load();
    }

    private LoadedConfig Load()
    {
        var path = directory.File("config.yaml");
        File.WriteAllText(path, """
            bind_address: 127.0.0.1
            backends: [10.0.0.1:1]
            health_check:
              type: exchange
              exchange: [{send_file: secret-file, expect: x}]
            """);
        return ConfigLoader.Load(path, HostFacts.Unknown);
    }
}
