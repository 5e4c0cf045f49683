using System.Globalization;
using System.Text.RegularExpressions;

namespace Bal.EndToEnd.Systemd;

/// <summary>The unit of the repository, as systemd itself reads it.</summary>
public sealed partial class UnitTests : IDisposable
{
    private readonly string _place = Directory.CreateTempSubdirectory("bal-unit-").FullName;

    public void Dispose() => Directory.Delete(_place, recursive: true);

    [Theory]
    [InlineData("bal.service")]
    [InlineData("bal.socket")]
    public async Task A_unit_has_no_fault_that_systemd_knows_of(string name)
    {
        // The program has to be there to be looked at, and so has the service of the socket.
        foreach (var unit in new[] { "bal.service", "bal.socket" })
        {
            var text = await File.ReadAllTextAsync(UnitOf(unit));
            await File.WriteAllTextAsync(
                Path.Combine(_place, unit), text.Replace(
                    "/usr/local/bin/bal", BalBinary.Path, StringComparison.Ordinal));
        }

        var verified = (await Command.Run("systemd-analyze", "verify", "--man=false", Path.Combine(_place, name)))
            .Succeeds();

        Assert.Equal("", verified.Error);
    }

    [Fact]
    public async Task The_socket_has_the_address_of_the_sample()
    {
        var sample = await File.ReadAllLinesAsync(Path.Combine(Repository.Root, "sample", "config.yaml"));
        Assert.Contains("bind_address: \"127.0.0.1\"", sample);
        Assert.Contains("port: 9295", sample);
        Assert.Contains("ListenStream=127.0.0.1:9295", await File.ReadAllLinesAsync(UnitOf("bal.socket")));
    }

    [Fact]
    public async Task Its_exposure_is_at_most_what_SECURITY_says()
    {
        var said = Documented().Match(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "SECURITY.md")));
        Assert.True(said.Success, "SECURITY.md states no exposure level");

        var analysed = (await Command.Run("systemd-analyze", "security", "--offline=true", "--no-pager", Unit))
            .Succeeds();

        var level = Level().Match(analysed.Out);
        Assert.True(level.Success, analysed.Out);
        Assert.InRange(Number(level), 0, Number(said));
    }

    [Fact]
    public void It_gives_the_drain_the_time_that_it_may_take()
    {
        var seconds = File.ReadLines(Unit).Single(l => l.StartsWith("TimeoutStopSec=", StringComparison.Ordinal));
        Assert.True(int.Parse(seconds["TimeoutStopSec=".Length..], CultureInfo.InvariantCulture) > 30);
    }

    [Fact]
    public void Its_stop_is_bals_own()
    {
        // With KillMode=mixed alone systemd kills the process that an upgrade has started, which is not its child, at
        // once (scripts/systemd-container.sh shows it).
        Assert.Contains("ExecStop=-/usr/local/bin/bal stop", File.ReadLines(Unit));
    }

    private static string Unit => UnitOf("bal.service");

    private static string UnitOf(string name) => Path.Combine(Repository.Root, "packaging", "systemd", name);

    private static decimal Number(Match match) => decimal.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"exposure level of ([0-9.]+)")]
    private static partial Regex Documented();

    [GeneratedRegex(@"exposure level for bal\.service: ([0-9.]+)")]
    private static partial Regex Level();
}
