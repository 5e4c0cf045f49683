using Bal.Fuzz;

namespace Bal.Integration.Fuzzing;

/// <summary>
/// What fuzzing has found, and what was broken once, fulfils every claim of its target (docs/fuzzing.md).
/// </summary>
public sealed class CorpusSpecs
{
    private const int MostBytes = 300 * 1024;

    public static TheoryData<string> Targets => [.. Target.All.Select(target => target.Name)];

    [Theory, MemberData(nameof(Targets))]
    public void Every_input_of_the_corpus_fulfils_the_claims_of_its_target(string name)
    {
        var target = Target.All.Single(t => t.Name == name);
        var files = Directory.GetFiles(Path.Combine(Corpus(), name));
        // Compiled before the first input is timed.
        target.Run([]);

        var broken = files.Order().Select(file => (File: Path.GetFileName(file), Fault: Fault(target, file)))
            .Where(run => run.Fault is not null)
            .Select(run => $"{run.File}: {run.Fault}");

        Assert.NotEmpty(files);
        Assert.Equal([], broken);
    }

    [Fact]
    public void Every_directory_of_the_corpus_has_a_target_and_all_are_small()
    {
        Assert.Equal(Target.All.Select(t => t.Name).Order(),
            Directory.GetDirectories(Corpus()).Select(d => Path.GetFileName(d)!).Order());
        Assert.InRange(Directory.GetFiles(Corpus(), "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length),
            1, MostBytes);
    }

    private static Exception? Fault(Target target, string file) =>
        Record.Exception(() => target.RunBounded(File.ReadAllBytes(file)));

    private static string Corpus()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Bal.sln")))
            directory = directory.Parent ?? throw new DirectoryNotFoundException("Bal.sln");
        return Path.Combine(directory.FullName, "tests", "Bal.Fuzz", "corpus");
    }
}
