using Bal.Infrastructure.Linux;

namespace Bal.Integration.Linux;

/// <summary>Which pages of the program may leave memory: those that the file alone has.</summary>
public sealed class ProgramPagesTests
{
    private const string Program = "/opt/my tools/bal";

    [Theory]
    [InlineData("r-xp", "0", Program, true)]
    [InlineData("r--p", "0", Program, true)]
    [InlineData("r--p", "8", Program, false)]
    [InlineData("rw-p", "0", Program, false)]
    [InlineData("r-xp", "0", "/usr/lib/libc.so.6", false)]
    [InlineData("r-xp", "0", "/old" + Program, false)]
    [InlineData("r-xp", "0", Program + " (deleted)", false)]
    public void A_mapping_is_given_back_if_only_the_program_file_has_its_content(
        string protection, string anonymous, string path, bool clean)
    {
        string[] smaps =
        [
            $"7f0000001000-7f0000003000 {protection} 0002b000 08:01 4711                       {path}",
            "Rss:                   8 kB",
            $"Anonymous:             {anonymous} kB",
            "VmFlags: rd ex mr mw me",
            "7f0000005000-7f0000006000 rw-p 00000000 00:00 0",
            "Anonymous:             0 kB",
        ];

        (nuint, nuint)[] expected = clean ? [(unchecked((nuint)0x7f0000001000), 0x2000)] : [];
        Assert.Equal(expected, ProgramPages.Clean(smaps, Program));
    }

    [Theory]
    [InlineData("7f0000003000-7f0000001000 r-xp 0 08:01 1 " + Program)]
    [InlineData("7f00-z r-xp 0 08:01 1 " + Program)]
    [InlineData("7f00")]
    [InlineData("7f00 - r-xp " + Program)]
    public void A_line_that_is_no_mapping_is_passed_over(string line) =>
        Assert.Empty(ProgramPages.Clean([line, "Anonymous: 0 kB"], Program));
}
