namespace Bal.EndToEnd.Flow;

/// <summary>What scripts/install.sh puts in place works without the source tree, and can be removed.</summary>
public sealed class InstallTests
{
    [Fact]
    public async Task Everything_that_belongs_to_it_is_installed_and_leaves_again()
    {
        var prefix = Directory.CreateTempSubdirectory("bal-e2e-install-").FullName;
        try
        {
            var script = Path.Combine(Repository.Root, "scripts", "install.sh");
            (await Command.Run(script, "--prefix", prefix)).Succeeds();
            Assert.Equal("bal", (await Command.Run(Path.Combine(prefix, "bin", "bal"), "--version")).Succeeds()
                .Out.Split(' ')[0]);
            foreach (var (file, said) in new[]
            {
                ("bin/bal-web", ""), ("share/man/man1/bal.1", ".TH BAL 1"), ("share/man/man5/bal.yaml.5", "backends"),
                ("share/bash-completion/completions/bal", "_bal"), ("share/zsh/site-functions/_bal", "#compdef bal"),
                ("share/fish/vendor_completions.d/bal.fish", "complete"), ("share/doc/bal/logrotate", "postrotate"),
                ("lib/systemd/system/bal.service", $"ExecStart={prefix}/bin/bal start"),
                ("lib/systemd/system/bal@.service", $"ExecStop=-{prefix}/bin/bal stop"),
                ("share/doc/bal/bal.rules.yml", "groups:"), ("share/doc/bal/grafana.json", "panels"),
            })
            {
                var text = await File.ReadAllTextAsync(Path.Combine(prefix, file));
                Assert.Contains(said, text, StringComparison.Ordinal);
            }

            (await Command.Run(
                Path.Combine(prefix, "bin", "bal"), "check", "-c", Path.Combine(prefix, "share/doc/bal/config.yaml")))
                .Succeeds();

            (await Command.Run(script, "--prefix", prefix, "--uninstall")).Succeeds();
            Assert.Empty(Directory.EnumerateFiles(prefix, "*", SearchOption.AllDirectories));
        }
        finally
        {
            Directory.Delete(prefix, recursive: true);
        }
    }
}
