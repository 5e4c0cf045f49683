using Bal.Application;
using Bal.Domain.Control;
using Bal.Domain.Recording;
using Bal.Infrastructure.Hosting;
using Bal.Infrastructure.Reacting;
using Bal.Integration.Process;
using LanguageExt;

namespace Bal.Integration.Supervision;

/// <summary>The file of what operators have ordered, and the thread that writes it.</summary>
public sealed class OverrideStoreSpecs
{
    [Fact]
    public void What_was_kept_is_read_by_the_next_process_and_nothing_leaves_no_file()
    {
        using var home = new TempDirectory();
        using var reactor = new Reactor();
        var path = home.File("overrides.json");
        var store = new OverrideStore(reactor, path) { TryStart = (_, _) => false };
        Assert.True(store.Read().IsNone);

        store.Keep(1, Of("10.0.0.1:1"));

        Assert.Equal(
            Of("10.0.0.1:1").Overrides,
            new OverrideStore(reactor, path).Read().Map(read => read.Overrides).IfNone(Arr<KeptOverride>.Empty));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        store.Keep(2, new OverrideDocument(Arr<KeptOverride>.Empty, Option<string>.None));
        Assert.Empty(Directory.GetFileSystemEntries(home.Root));
        Assert.Equal([(1, ""), (2, "")], Outcomes(reactor, 2));
    }

    [Fact]
    public void What_comes_while_something_is_written_is_written_once_at_the_end()
    {
        using var home = new TempDirectory();
        using var reactor = new Reactor();
        ThreadStart? work = null;
        var store = new OverrideStore(reactor, home.File("overrides.json"))
        {
            TryStart = (_, start) =>
            {
                Assert.Null(work);
                work = start;
                return true;
            },
        };
        for (var change = 1; change <= 5; change++)
            store.Keep(change, Of($"10.0.0.1:{change}"));

        work!();

        Assert.Equal([(5, "")], Outcomes(reactor, 1));
    }

    [Fact]
    public void While_another_process_may_write_this_one_does_not()
    {
        using var home = new TempDirectory();
        using var reactor = new Reactor();
        var path = home.File("overrides.json");
        var store = new OverrideStore(reactor, path) { TryStart = (_, _) => false };

        store.Hold(true);
        store.Keep(1, Of("10.0.0.1:1"));
        Assert.False(File.Exists(path));
        store.Hold(false);

        Assert.True(File.Exists(path));
        Assert.Equal([(1, "")], Outcomes(reactor, 1));
    }

    [Fact]
    public void What_cannot_be_written_is_said_and_changes_nothing()
    {
        using var home = new TempDirectory();
        using var reactor = new Reactor();
        // A directory in the place of the file cannot be replaced by one.
        Directory.CreateDirectory(home.File("overrides.json"));
        var store = new OverrideStore(reactor, home.File("overrides.json")) { TryStart = (_, _) => false };

        store.Keep(1, Of("10.0.0.1:1"));

        var (change, why) = Assert.Single(Outcomes(reactor, 1));
        Assert.Equal(1, change);
        Assert.Contains("overrides.json cannot be replaced: Is a directory", why, StringComparison.Ordinal);
        Assert.Single(Directory.GetFileSystemEntries(home.Root));
    }

    private static OverrideDocument Of(string backend) => new(
        Prelude.Array(new KeptOverride("web", backend, new(true, 7, new("alice", 1_000, 5)))), Option<string>.None);

    private static List<(long Change, string Why)> Outcomes(Reactor reactor, int count)
    {
        var found = new List<(long, string)>();
        while (found.Count < count)
        {
            var input = reactor.Next(reactor.Now.Plus(new(5_000)));
            Assert.True(input.IsSome, "no more was reported");
            input.IfSome(one =>
            {
                if (one is SupervisorInput.Happened { Event: ControlEvent.OverridesKept kept })
                    found.Add((kept.Change, kept.WhyNot.IfNone("")));
            });
        }

        return found;
    }
}
