namespace Bal.EndToEnd.Flow;

/// <summary>Completions of the three shells: commands, options, files, and what the running daemon knows.</summary>
public sealed class CompletionTests(ITestOutputHelper output)
{
    private static string Script(string name) => Path.Combine(Repository.Root, "packaging", "completions", name);

    [Theory]
    [InlineData("dra", "drain")]
    [InlineData("relo", "reload")]
    [InlineData("status --wat", "--watch")]
    [InlineData("--conf", "--config")]
    [InlineData("sessions --sort b", "bytes")]
    [InlineData("start --log-format t", "text")]
    [InlineData("-c some.yaml expl", "explain")]
    [InlineData("explain prot", "protection")]
    [InlineData("replay --json x", ":files")]
    [InlineData("check -c x", ":files")]
    [InlineData("comp", "")]
    [InlineData("drain x", "")]
    public async Task What_may_follow_is_what_there_is(string typed, string expected)
    {
        await using var bal = new BalInstance(output);

        Assert.Equal(expected, (await bal.Run(["complete", "--", .. typed.Split(' ')])).Succeeds().Out.TrimEnd('\n'));
    }

    [Fact]
    public async Task Bash_completes_backends_with_their_colons_and_paths_with_spaces()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var (host, port) = (backend.Address.Split(':')[0], backend.Address.Split(':')[1]);
        Directory.CreateDirectory(Path.Combine(bal.Home, "a place"));

        Assert.Equal(backend.Address, await Bash(bal, "\"$BAL\" drain 127", "127"));
        Assert.Equal(port, await Bash(bal, $"\"$BAL\" drain {host} : {port[..2]}", port[..2]));
        Assert.Equal("default\ndefault/" + backend.Address, await Bash(bal, "\"$BAL\" explain de", "de"));
        Assert.Equal(Path.Combine(bal.Home, "a place"), await Bash(bal, "\"$BAL\" check -c \"$BAL_HOME/a\"", "x"));
    }

    [Fact]
    public async Task Fish_completes_backends_and_files()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        Link(bal);

        Assert.Equal(backend.Address, await Fish(bal, "bal drain 127"));
        var shown = await Fish(bal, $"bal check -c {bal.Home}/conf");
        Assert.Contains("config.yaml", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Zsh_completes_a_backend_on_a_terminal()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        await File.WriteAllTextAsync(Path.Combine(bal.Home, ".zshrc"), $"""
            fpath=({Path.GetDirectoryName(Script("_bal"))} $fpath)
            path=($BAL_HOME/bin $path)
            autoload -Uz compinit && compinit -u -D
            PS1='ready> '
            """);
        Link(bal);
        await using var screen = await Tmux.Open(bal, "ZDOTDIR=$BAL_HOME zsh -i");
        await screen.Sees("zsh is ready", text => text.Contains("ready>", StringComparison.Ordinal));

        await screen.Press("bal drain 127");
        await screen.Press("Tab");

        await screen.Sees("the address", text => text.Replace("\\", "", StringComparison.Ordinal)
            .Contains($"drain {backend.Address}", StringComparison.Ordinal));
    }

    private static void Link(BalInstance bal)
    {
        Directory.CreateDirectory(Path.Combine(bal.Home, "bin"));
        File.CreateSymbolicLink(Path.Combine(bal.Home, "bin", "bal"), BalBinary.Path);
    }

    private static async Task<string> Fish(BalInstance bal, string typed) => (await bal.Shell(
        $"PATH=\"$BAL_HOME/bin:$PATH\" HOME=\"$BAL_HOME\" fish --no-config -c 'source {Script("bal.fish")}; "
            + $"complete -C \"{typed}\"'")).Succeeds().Out.Trim();

    // As readline calls it: the words with a colon as a word of its own, and the cursor at the end.
    private static async Task<string> Bash(BalInstance bal, string words, string current) =>
        (await bal.Shell($"source {Script("bal.bash")}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
            + $"_bal bal '{current}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"")).Succeeds().Out.TrimEnd('\n');
}
