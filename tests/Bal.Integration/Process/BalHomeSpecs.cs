using Bal.Infrastructure.Process;

namespace Bal.Integration.Process;

/// <summary>Where the files of an instance are, and who may write there.</summary>
public sealed class BalHomeSpecs : IDisposable
{
    private readonly TempDirectory _place = new();

    public void Dispose() => _place.Dispose();

    [Theory]
    [InlineData("/x/y", "/home/me", "/x/y")]
    [InlineData("rel/h/", "/home/me", "/cwd/rel/h")]
    [InlineData("", "/home/me", "/home/me/.bal")]
    [InlineData(null, "/home/me", "/home/me/.bal")]
    public void BAL_HOME_comes_first_then_HOME_and_both_become_absolute(string? given, string home, string root) =>
        Assert.Equal(root, Locate(given, home).Match(h => h.Root, p => p.Code));

    [Fact]
    public void Without_both_and_with_a_path_too_long_for_a_socket_it_says_so()
    {
        Assert.Equal("home_unknown", Locate(null, null).Match(h => h.Root, p => p.Code));
        var longest = "/" + new string('a', 107 - "//bal.sock".Length);
        Assert.Equal(longest, Locate(longest, null).Match(h => h.Root, p => p.Code));
        Assert.Equal("home_path_too_long", Locate(longest + "a", null).Match(h => h.Root, p => p.Code));
    }

    [Fact]
    public void A_missing_one_is_created_for_its_owner_alone_with_its_parents()
    {
        var home = new BalHome(_place.File("a/b/home"));

        Assert.True(home.Ensure().IsRight);
        Assert.True(home.Ensure().IsRight);
        var mine = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Assert.Equal(mine, File.GetUnixFileMode(home.Root));
    }

    [Theory]
    [InlineData("755", "")]
    [InlineData("775", "")]
    [InlineData("777", "home_world_writable")]
    [InlineData("1777", "home_world_writable")]
    public void An_existing_one_is_accepted_unless_everybody_can_write_to_it(string mode, string code)
    {
        var home = new BalHome(_place.File("home"));
        Directory.CreateDirectory(home.Root);
        File.SetUnixFileMode(home.Root, (UnixFileMode)Convert.ToInt32(mode, 8));

        Assert.Equal(code, home.Ensure().Match(_ => "", p => p.Code));
    }

    [Fact]
    public void A_file_or_a_dangling_link_in_its_place_is_a_problem()
    {
        File.WriteAllText(_place.File("file"), "");
        File.CreateSymbolicLink(_place.File("link"), _place.File("nowhere"));

        Assert.Equal("home_unusable", new BalHome(_place.File("file")).Ensure().Match(_ => "", p => p.Code));
        Assert.Equal("home_unusable", new BalHome(_place.File("file/below")).Ensure().Match(_ => "", p => p.Code));
        Assert.Equal("home_unusable", new BalHome(_place.File("link")).Ensure().Match(_ => "", p => p.Code));
    }

    private static LanguageExt.Either<Bal.Domain.Messages.Problem, BalHome> Locate(string? given, string? home) =>
        BalHome.Locate(name => name == "BAL_HOME" ? given : home, "/cwd");
}
