namespace Bal.EndToEnd.Surroundings;

/// <summary>
/// Check, doctor and start judge alike: what check refuses, doctor calls critical, and doctor calls critical exactly
/// what a start refuses.
/// </summary>
public sealed class JudgementTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("nothing is wrong", "", "", false)]
    [InlineData("an unknown key", "echo foo: 1 >>$BAL_HOME/config.yaml", "", true)]
    [InlineData("no file", "rm $BAL_HOME/config.yaml", "", true)]
    [InlineData("a FIFO in its place", "rm $BAL_HOME/config.yaml; mkfifo $BAL_HOME/config.yaml", "", true)]
    [InlineData("an address of another machine", "bind 203.0.113.7", "", true)]
    [InlineData("the second address is of another machine", "bind '[127.0.0.1, 203.0.113.7]'", "", true)]
    [InlineData("a name that does not resolve", "bind no.such.name.invalid", "", true)]
    [InlineData("a name with several addresses", "bind localhost", "", false)]
    [InlineData("a port that is taken", "sed -i 's/^port: .*/port: '$TAKEN/ $BAL_HOME/config.yaml", "", true)]
    [InlineData("a home open to all", "chmod 777 $BAL_HOME", "", true)]
    [InlineData("a home open to its group", "chmod 770 $BAL_HOME", "", false)]
    [InlineData("a log that is a directory", "mkdir $BAL_HOME/bal.log", "", true)]
    [InlineData("a log that is a FIFO", "mkfifo $BAL_HOME/bal.log", "", true)]
    [InlineData("a log that is a link", "ln -s nowhere $BAL_HOME/bal.log", "", true)]
    [InlineData("a PID file that is a directory", "mkdir $BAL_HOME/bal.pid", "", true)]
    [InlineData("a PID file that is a link", "ln -s nowhere $BAL_HOME/bal.pid", "", true)]
    [InlineData("a control socket that is a directory", "mkdir $BAL_HOME/bal.sock", "", true)]
    [InlineData("a decision log in a file of bal", "echo decision_log: bal.pid >>$BAL_HOME/config.yaml", "", false)]
    [InlineData("a backend that is bal itself", "backend 127.0.0.1", "", false)]
    [InlineData("a name that leads to bal itself", "backend localhost", "", false)]
    [InlineData("too few descriptors", "", "ulimit -n 30", true)]
    [InlineData("few descriptors", "", "ulimit -n 200", false)]
    public async Task Doctor_calls_critical_what_a_start_refuses(string what, string setup, string limit, bool refused)
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));

        var run = (await bal.Shell($"""
            bind() {"{"} sed -i "s/^bind_address: .*/bind_address: $1/" "$BAL_HOME/config.yaml"; {"}"}
            backend() {"{"} echo "  - {"{"}host: $1, port: {bal.File.Port}{"}"}" >>"$BAL_HOME/config.yaml"; {"}"}
            TAKEN={backend.Port}
            {setup}
            {(limit.Length == 0 ? ":" : limit)}
            "$BAL" check >/dev/null; echo "check=$?"
            "$BAL" doctor >"$BAL_HOME/doctor"; echo "doctor=$?"
            timeout 20 "$BAL" start -d 2>"$BAL_HOME/start"; echo "start=$?"
            "$BAL" stop >/dev/null 2>/dev/null
            cat "$BAL_HOME/doctor" "$BAL_HOME/start" >&2
            rm -rf "$BAL_HOME/bal.log"
            """));

        var expected = refused ? 1 : 0;
        Assert.True(run.Out.Contains($"doctor={expected}\nstart={expected}\n", StringComparison.Ordinal),
            $"{what}: {run}");
        Assert.False(run.Out.Contains("check=1", StringComparison.Ordinal) && !refused, $"{what}: {run}");
    }
}
