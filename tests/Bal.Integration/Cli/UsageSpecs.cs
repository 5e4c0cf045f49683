using Bal.Integration.Process;

namespace Bal.Integration.Cli;

/// <summary>
/// Wrong usage ends with 64 and one line that names the right word; nothing of it goes to standard output.
/// </summary>
public sealed class UsageSpecs : IDisposable
{
    private readonly TempDirectory _home = new();

    public void Dispose() => _home.Dispose();

    [Theory]
    [InlineData("chek", "unknown command 'chek'; did you mean 'bal check'?")]
    [InlineData("relod", "unknown command 'relod'; did you mean 'bal reload'?")]
    [InlineData("monitor", "unknown command 'monitor'")]
    [InlineData("status --watch --json", "--watch and --json exclude each other")]
    [InlineData("help chek", "unknown command 'chek'; did you mean 'bal check'?")]
    [InlineData("ready default", "SERVICE is only valid with --backends")]
    [InlineData("ready --backends --all", "'bal ready' has no option --all ('bal enable' does)")]
    [InlineData("graceful --timeout 0", "--timeout needs a whole number of seconds from 1 to 600")]
    [InlineData("xyzzy", "the commands are check, doctor, status, top, ready, init, start, graceful, upgrade, stop, ")]
    [InlineData("check --jsn", "unknown option '--jsn'; did you mean '--json'?")]
    [InlineData("start --damon", "unknown option '--damon'; did you mean '--daemon'?")]
    [InlineData("start --json", "'bal start' has no option --json ('bal check', 'bal doctor', 'bal status'")]
    [InlineData("-x", "unknown option '-x'; 'bal' knows --help, --config, --version")]
    [InlineData("check my.yaml", "a configuration file is named with --config my.yaml")]
    [InlineData("check status", "one command at a time")]
    [InlineData("check --config", "--config needs a value: --config FILE")]
    [InlineData("check --config=", "--config needs")]
    [InlineData("check -c a -c b", "--config was given more than once")]
    [InlineData("why", "did you mean 'bal explain'?")]
    [InlineData("explain backend", "BACKEND is missing: host:port, its number in the file, or SERVICE/BACKEND")]
    [InlineData("explain backend a\nstatus", "a BACKEND is host:port, its number in the file, or SERVICE/BACKEND")]
    [InlineData("graceful --dryrun", "did you mean '--dry-run'?")]
    [InlineData("demo --seconds soon", "--seconds needs a whole number of seconds from 1 to 86400, not 'soon'")]
    [InlineData("upgrade --timeout 0", "--timeout needs a whole number of seconds from 1 to 600")]
    [InlineData("demo --seconds 0", "--seconds needs a whole number of seconds from 1 to 86400, not '0'")]
    public async Task A_slip_is_answered_with_the_nearest_valid_word(string words, string answer)
    {
        var run = await BalProgram.Run(_home.Root, words.Split(' '));

        Assert.Equal(64, run.ExitCode);
        Assert.Equal("", run.Out);
        Assert.Contains(answer, run.Error, StringComparison.Ordinal);
        Assert.StartsWith("bal: ", run.Error, StringComparison.Ordinal);
        Assert.Equal(1, run.Error.Count(c => c == '\n'));
    }

    [Fact]
    public async Task Nothing_given_shows_the_commands_on_standard_error()
    {
        var run = await BalProgram.Run(_home.Root);

        Assert.Equal(64, run.ExitCode);
        Assert.Equal("", run.Out);
        foreach (var command in (string[])["check", "doctor", "status", "start", "graceful", "upgrade", "stop", "demo"])
            Assert.Matches($"\n  {command}[ ,]", run.Error);
    }

    [Theory]
    [InlineData("--version", "bal 0.2.0\n")]
    [InlineData("--help", "Usage:")]
    [InlineData("check --help", "--strict")]
    [InlineData("start -h", "-d, --daemon")]
    [InlineData("help", "Usage:")]
    [InlineData("help status", "--exit-code")]
    [InlineData("help explain backend", "Why a backend is up, cooling, down or draining")]
    [InlineData("help reload", "--dry-run")]
    public async Task What_was_asked_for_goes_to_standard_output(string words, string answer)
    {
        var run = await BalProgram.Run(_home.Root, words.Split(' '));

        Assert.Equal(0, run.ExitCode);
        Assert.Contains(answer, run.Out, StringComparison.Ordinal);
        Assert.Equal("", run.Error);
    }
}
