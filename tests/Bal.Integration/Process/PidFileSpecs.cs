using Bal.Domain.Messages;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Integration.Process;

/// <summary>The lock says who runs; the content of the file is shown and never believed.</summary>
public sealed class PidFileSpecs : IDisposable
{
    private readonly TempDirectory _home = new();

    private string PathOf => _home.File("bal.pid");

    public void Dispose() => _home.Dispose();

    [Fact]
    public void A_new_file_is_private_empty_until_the_daemon_answers_and_gone_afterwards()
    {
        using (var file = Ok(PidFile.Acquire(PathOf)))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(PathOf));
            Assert.Equal("", ReadByOther());
            Assert.True(file.WritePid().IsRight);
            Assert.Equal($"{Environment.ProcessId}\n", ReadByOther());
        }
        Assert.False(File.Exists(PathOf));
    }

    [Fact]
    public void A_removed_file_comes_back_locked_with_its_content_and_a_present_one_is_left_alone()
    {
        using var file = Ok(PidFile.Acquire(PathOf));
        Assert.True(file.WritePid().IsRight);
        Assert.False(file.Restore().IfLeft(true));
        File.Delete(PathOf);

        Assert.True(file.Restore().IfLeft(false));

        Assert.Equal($"{Environment.ProcessId}\n", ReadByOther());
        Assert.Equal("already_running", Fail(PidFile.Acquire(PathOf)).Code);
        file.Dispose();
        Assert.False(File.Exists(PathOf));
    }

    [Fact]
    public void A_file_that_nobody_holds_in_the_place_of_a_removed_one_is_taken()
    {
        using var file = Ok(PidFile.Acquire(PathOf));
        Assert.True(file.WritePid().IsRight);
        File.WriteAllText(PathOf + ".new", "4711\n");
        File.Move(PathOf + ".new", PathOf, overwrite: true);

        Assert.True(file.Restore().IfLeft(false));

        Assert.Equal($"{Environment.ProcessId}\n", ReadByOther());
        file.Dispose();
        Assert.False(File.Exists(PathOf));
    }

    [Fact]
    public void A_file_that_another_process_has_put_in_the_place_of_a_removed_one_stays_its_own()
    {
        using var file = Ok(PidFile.Acquire(PathOf));
        File.Delete(PathOf);
        using var other = Child.HoldingLock(PathOf);

        Assert.Equal("pid_file_taken", file.Restore().Match(Right: _ => "", Left: problem => problem.Code));

        Assert.Equal(other.Pid, Assert.IsType<PidFileState.Held>(PidFile.Inspect(PathOf)).Pid);
        file.Dispose();
        Assert.True(File.Exists(PathOf));
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData(" \n", "empty")]
    [InlineData("4711\n", "pid 4711")]
    [InlineData("0\n", "the number zero")]
    [InlineData("-0", "the number zero")]
    [InlineData("-1\n", "a negative number")]
    [InlineData("99999999999999999999", "not a process id")]
    [InlineData("hello", "not a process id")]
    [InlineData("12 34", "not a process id")]
    [InlineData("\0\0\0", "not a process id")]
    public void Content_that_nobody_has_locked_is_stale_whatever_it_says_and_is_replaced(string content, string words)
    {
        File.WriteAllText(PathOf, content);

        Assert.Equal(words, Assert.IsType<PidFileState.Stale>(PidFile.Inspect(PathOf)).Content.ToText());
        using var file = Ok(PidFile.Acquire(PathOf));
        Assert.Equal(words, file.Replaced.ToText());
        Assert.Equal("", ReadByOther());
    }

    [Fact]
    public void Huge_content_is_recognised_without_being_read()
    {
        File.WriteAllText(PathOf, new string('1', 1_000_000));

        Assert.IsType<PidContent.Huge>(Assert.IsType<PidFileState.Stale>(PidFile.Inspect(PathOf)).Content);
    }

    [Fact]
    public void A_lock_held_by_another_process_is_named_by_the_kernel_not_by_the_content()
    {
        using var other = Child.HoldingLock(PathOf);
        File.WriteAllText(PathOf, "1\n");

        var held = Assert.IsType<PidFileState.Held>(PidFile.Inspect(PathOf));
        Assert.Equal(other.Pid, held.Pid);
        Assert.False(held.ContentAgrees);
        var problem = Fail(PidFile.Acquire(PathOf));
        Assert.Contains("already running", problem.WhatHappened, StringComparison.Ordinal);
        Assert.Contains($"pid={other.Pid}", problem.WhatHappened, StringComparison.Ordinal);
        Assert.Equal("1\n", File.ReadAllText(PathOf));
    }

    [Fact]
    public void Looking_at_the_own_file_does_not_lose_its_lock()
    {
        using var file = Ok(PidFile.Acquire(PathOf));
        Assert.True(file.WritePid().IsRight);

        Assert.Equal(new PidFileState.Held(Environment.ProcessId, true), PidFile.Inspect(PathOf));
        Assert.Equal("already_running", Fail(PidFile.Acquire(PathOf)).Code);

        Assert.Equal("locked", OtherTriesLock());
    }

    [Fact]
    public void A_symlink_is_refused_and_what_it_points_to_stays_as_it_is()
    {
        File.WriteAllText(_home.File("victim"), "precious");
        File.CreateSymbolicLink(PathOf, _home.File("victim"));

        Assert.Equal("pid_file_symlink", Fail(PidFile.Acquire(PathOf)).Code);
        Assert.IsType<PidFileState.Unreadable>(PidFile.Inspect(PathOf));
        Assert.Equal("precious", File.ReadAllText(_home.File("victim")));
    }

    [Fact]
    public void A_directory_under_that_name_and_a_missing_home_are_problems_of_their_own()
    {
        Directory.CreateDirectory(PathOf);
        Assert.Equal("pid_file_not_a_file", Fail(PidFile.Acquire(PathOf)).Code);
        Assert.Equal("pid_file_no_home", Fail(PidFile.Acquire(_home.File("none/bal.pid"))).Code);
        Assert.IsType<PidFileState.Missing>(PidFile.Inspect(_home.File("none/bal.pid")));
    }

    [Fact]
    public void A_file_that_was_replaced_under_a_running_daemon_is_left_to_whoever_did_it()
    {
        var file = Ok(PidFile.Acquire(PathOf));
        File.Delete(PathOf);
        File.WriteAllText(PathOf, "somebody else");

        file.Dispose();
        file.Dispose();

        Assert.Equal("somebody else", File.ReadAllText(PathOf));
    }

    [Fact]
    public void Among_many_processes_that_come_and_go_no_two_have_the_file_at_once()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        var children = Enumerable.Range(0, 10).Select(_ => Child.Start("python3", ["-c", Contender, PathOf])).ToList();
        var acquired = 0;
        while (!stop.IsCancellationRequested)
            PidFile.Acquire(PathOf).IfRight(file =>
            {
                // Everybody creates the marker exclusively while he has the file: a second one would fail.
                using (new FileStream(PathOf + ".inside", FileMode.CreateNew)) acquired++;
                File.Delete(PathOf + ".inside");
                file.Dispose();
            });
        foreach (var child in children)
        {
            child.In.Close();
            Assert.Equal("ok", child.Out.ReadLine());
            child.Dispose();
        }
        Assert.True(acquired > 0);
    }

    [Fact]
    public void A_process_is_found_by_its_lock_told_to_end_and_gone_although_nobody_has_reaped_it()
    {
        using var other = Child.HoldingLock(PathOf);
        using var process = RunningProcess.Find(PathOf)
            .Match(p => p, problem => throw new InvalidOperationException(problem.Code));

        Assert.Equal(other.Pid, process.Pid);
        Assert.False(process.WaitGone(TimeSpan.Zero));
        Assert.True(process.Terminate().IsRight);
        Assert.True(process.WaitGone(TimeSpan.FromSeconds(10)));
        Assert.True(process.Terminate().IsRight);
    }

    [Fact]
    public void Where_nobody_holds_the_lock_nothing_is_running_and_nothing_is_signalled()
    {
        File.WriteAllText(PathOf, $"{Environment.ProcessId}\n");

        var problem = RunningProcess.Find(PathOf).Match(_ => throw new InvalidOperationException("found"), p => p);
        Assert.Equal("not_running", problem.Code);
        Assert.Contains("not running", problem.WhatHappened, StringComparison.Ordinal);
    }

    // Takes and leaves the file in the same way as bal does, until its input is closed.
    private const string Contender = """
        import fcntl, os, select, sys
        path = sys.argv[1]
        while not select.select([sys.stdin], [], [], 0)[0]:
            f = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(f).st_ino == os.stat(path).st_ino:
                    os.close(os.open(path + ".inside", os.O_CREAT | os.O_EXCL))
                    os.unlink(path + ".inside")
                    os.unlink(path)
            except (BlockingIOError, FileNotFoundError):
                pass
            os.close(f)
        print("ok")
        """;

    private static PidFile Ok(Either<Problem, PidFile> result) =>
        result.Match(file => file, problem => throw new InvalidOperationException(problem.ToText()));

    private static Problem Fail(Either<Problem, PidFile> result) =>
        result.Match(_ => throw new InvalidOperationException("acquired"), problem => problem);

    // This process must not open the file: closing it again would drop the lock.
    private string ReadByOther()
    {
        using var cat = Child.Start("cat", [PathOf]);
        return cat.Out.ReadToEnd();
    }

    private string? OtherTriesLock()
    {
        using var other = Child.Start("python3", ["-c", """
            import fcntl, os, sys
            try:
                fcntl.lockf(os.open(sys.argv[1], os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
                print("free")
            except BlockingIOError:
                print("locked")
            """, PathOf]);
        return other.Out.ReadLine();
    }
}
