using System.Globalization;
using System.Text.RegularExpressions;

namespace Bal.EndToEnd.Systemd;

/// <summary>The unit of the repository, as systemd itself reads it.</summary>
public sealed partial class UnitTests : IDisposable
{
    private readonly string _place = Directory.CreateTempSubdirectory("bal-unit-").FullName;

    public void Dispose() => Directory.Delete(_place, recursive: true);

    [Fact]
    public async Task The_unit_has_no_fault_that_systemd_knows_of()
    {
        // Its program has to be there to be looked at.
        var unit = (await File.ReadAllTextAsync(Unit)).Replace("/usr/local/bin/bal", BalBinary.Path, StringComparison.Ordinal);
        var copy = Path.Combine(_place, "bal.service");
        await File.WriteAllTextAsync(copy, unit);

        var verified = (await Command.Run("systemd-analyze", "verify", "--man=false", copy)).Succeeds();

        Assert.Equal("", verified.Error);
    }

    [Fact]
    public async Task Its_exposure_is_at_most_what_SECURITY_says()
    {
        var said = Documented().Match(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "SECURITY.md")));
        Assert.True(said.Success, "SECURITY.md states no exposure level");

        var analysed = (await Command.Run("systemd-analyze", "security", "--offline=true", "--no-pager", Unit)).Succeeds();

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

    private static string Unit => Path.Combine(Repository.Root, "packaging", "systemd", "bal.service");

    private static decimal Number(Match match) => decimal.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"exposure level of ([0-9.]+)")]
    private static partial Regex Documented();

    [GeneratedRegex(@"exposure level for bal\.service: ([0-9.]+)")]
    private static partial Regex Level();
}
