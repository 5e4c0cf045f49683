namespace Bal.Integration.Documentation;

/// <summary>Sources stay readable side by side and one at a time: short lines, short files.</summary>
public sealed class SourceSizeTests
{
    private const int LongestLine = 120;
    private const int LongestFile = 400;

    [Fact]
    public void No_line_is_longer_than_120_columns()
    {
        var found = from source in Repository.AllSources()
                    from line in File.ReadLines(Repository.At(source))
                        .Select((text, index) => (text, number: index + 1))
                    where line.text.Length > LongestLine
                    select $"{source}:{line.number}: {line.text.Length} columns";

        AssertNone(found);
    }

    [Fact]
    public void No_file_is_longer_than_400_lines()
    {
        var found = from source in Repository.AllSources()
                    let lines = File.ReadLines(Repository.At(source)).Count()
                    where lines > LongestFile
                    select $"{source}:{LongestFile + 1}: {lines} lines";

        AssertNone(found);
    }

    private static void AssertNone(IEnumerable<string> found)
    {
        var list = found.ToList();

        Assert.True(list.Count == 0, $"{list.Count} found:\n  {string.Join("\n  ", list)}");
    }
}
