using System.Diagnostics;
using System.Text.Json;
using Bal.Domain.Messages;
using Bal.Infrastructure.Logging;
using Bal.Integration.Process;

namespace Bal.Integration.Logging;

/// <summary>A log that stalls, fills up or breaks costs lines, never time, and the loss is counted and said.</summary>
[Collection("log threads")]
public sealed class LogPipelineSpecs : IDisposable
{
    private const int Many = 20_000;
    private readonly TempDirectory _place = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public void A_reader_that_stalls_never_blocks_the_writer_and_learns_afterwards_what_it_missed()
    {
        using var pipe = new Pipe();
        using var log = LogPipeline.ToDescriptor(pipe.WriteEnd, LogLevel.Info);

        var clock = Stopwatch.StartNew();
        for (var i = 0; i < Many; i++) log.Write(Line(i));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"{clock.Elapsed}");
        Assert.False(log.Flush(TimeSpan.FromMilliseconds(50)));
        Assert.InRange(log.Dropped, 1, Many);

        long said = 0, lines = 0;
        pipe.ReadUntil(line =>
        {
            if (Event(line) == "log_lines_dropped")
                said += line.GetProperty("fields").GetProperty("dropped").GetInt64();
            else lines++;
            return lines + said == Many;
        });
        Assert.Equal(log.Dropped, said);
        Assert.True(log.Flush(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void What_was_written_before_a_drop_stays_in_order_and_whole()
    {
        using var pipe = new Pipe();
        using var log = LogPipeline.ToDescriptor(pipe.WriteEnd, LogLevel.Info);
        for (var i = 0; i < Many; i++) log.Write(Line(i));

        var numbers = pipe.ReadUntil(line => Event(line) == "log_lines_dropped")
            .Where(line => Event(line) == "n").Select(line => line.GetProperty("fields").GetProperty("i").GetInt32());

        Assert.Equal(numbers.Order(), numbers);
        Assert.Equal(0, numbers.First());
    }

    [Fact]
    public void A_reader_that_goes_away_costs_lines_and_nothing_else()
    {
        using var pipe = new Pipe();
        using var log = LogPipeline.ToDescriptor(pipe.WriteEnd, LogLevel.Info);
        pipe.CloseReader();

        for (var i = 0; i < 100; i++) log.Write(Line(i));

        Assert.True(log.Flush(TimeSpan.FromSeconds(10)));
        Assert.Equal(100, log.Dropped);
    }

    [Fact]
    public void A_full_disk_costs_lines_until_the_log_is_reopened_elsewhere_and_then_it_is_said()
    {
        // The link is in the directory's place, not the file's own: only the last part may not be one.
        Directory.CreateDirectory(_place.File("real"));
        Directory.CreateSymbolicLink(_place.File("dir"), "/dev");
        using var log = Open(_place.File("dir/full"));
        for (var i = 0; i < 10; i++) log.Write(Line(i));
        Assert.True(log.Flush(TimeSpan.FromSeconds(10)));
        Assert.Equal(10, log.Dropped);

        Directory.Delete(_place.File("dir"));
        Directory.CreateSymbolicLink(_place.File("dir"), _place.File("real"));
        Assert.True(log.Reopen().IsRight);
        log.Write(Line(10));
        Assert.True(log.Flush(TimeSpan.FromSeconds(10)));

        var lines = Lines(_place.File("real/full"));
        Assert.Equal(["log_lines_dropped", "n"], lines.Select(Event));
        Assert.Equal(10, lines[0].GetProperty("fields").GetProperty("dropped").GetInt64());
    }

    [Fact]
    public void After_a_rename_reopening_continues_under_the_old_name_and_loses_nothing()
    {
        using var log = Open(_place.File("log"));
        log.Write(Line(1));
        Assert.True(log.Flush(TimeSpan.FromSeconds(10)));
        File.Move(_place.File("log"), _place.File("log.1"));
        log.Write(Line(2));
        Assert.True(log.Flush(TimeSpan.FromSeconds(10)));

        Assert.True(log.Reopen().IsRight);
        log.Write(Line(3));
        Assert.True(log.Flush(TimeSpan.FromSeconds(10)));

        Assert.Equal([1, 2], Lines(_place.File("log.1")).Select(Number));
        Assert.Equal([3], Lines(_place.File("log")).Select(Number));
        Assert.Equal(0, log.Dropped);
    }

    [Fact]
    public void A_log_that_is_removed_with_its_directory_counts_what_is_lost_and_says_it_once_the_directory_is_back()
    {
        Directory.CreateDirectory(_place.File("dir"));
        using var log = Open(_place.File("dir/log"));
        log.Write(Line(1));
        Assert.True(log.Flush(TimeSpan.FromSeconds(10)));
        Directory.Delete(_place.File("dir"), recursive: true);

        log.Write(Line(2));
        Assert.True(log.Flush(TimeSpan.FromSeconds(10)));
        Assert.Equal(1, log.Dropped);

        Directory.CreateDirectory(_place.File("dir"));
        log.Write(Line(3));
        Assert.True(log.Flush(TimeSpan.FromSeconds(10)));
        Assert.Equal(1, log.Dropped);
        var lines = Lines(_place.File("dir/log"));
        Assert.Equal([3], lines.Where(l => Event(l) == "n").Select(Number));
        Assert.Equal(1, lines.Single(l => Event(l) == "log_lines_dropped").GetProperty("fields").GetProperty("dropped")
            .GetInt64());
    }

    [Fact]
    public void A_log_is_private_appended_to_and_never_a_symlink()
    {
        File.WriteAllText(_place.File("victim"), "precious");
        File.CreateSymbolicLink(_place.File("link"), _place.File("victim"));
        var refused = LogPipeline.ToFile(_place.File("link"), LogLevel.Info);
        Assert.Equal("log_file_symlink", refused.Match(_ => "", p => p.Code));
        Assert.Equal("precious", File.ReadAllText(_place.File("victim")));

        for (var i = 0; i < 2; i++)
            using (var log = Open(_place.File("log"))) log.Write(Line(i));
        Assert.Equal([0, 1], Lines(_place.File("log")).Select(Number));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_place.File("log")));
    }

    [Fact]
    public void An_idle_log_lets_its_thread_sleep()
    {
        // Those of earlier tests end when they are scheduled.
        var others = Threads();
        using var log = Open(_place.File("log"));
        log.Write(Line(1));
        Assert.True(log.Flush(TimeSpan.FromSeconds(10)));
        var own = Assert.Single(Threads().Except(others));

        var before = Switches(own);
        Assert.False(SpinWait.SpinUntil(() => false, TimeSpan.FromMilliseconds(300)));
        Assert.InRange(Switches(own) - before, 0, 1);
    }

    // The threads named bal-log: this test shares a collection with all that start one.
    private static string[] Threads() =>
        [.. Directory.GetDirectories("/proc/self/task").Where(task => NameOf(task) == "bal-log")];

    private static string NameOf(string task)
    {
        try
        {
            return File.ReadAllText(task + "/comm").Trim();
        }
        catch (IOException)
        {
            // It has ended.
            return "";
        }
    }

    // Voluntary context switches.
    private static long Switches(string task) => long.Parse(
        File.ReadLines(task + "/status").First(line => line.StartsWith("voluntary", StringComparison.Ordinal))
            .Split('\t')[1],
        System.Globalization.CultureInfo.InvariantCulture);

    private static LogEvent Line(int i) => LogEvent.Info("test", "n", "a line", LogField.Of("i", i));

    private static string Event(JsonElement line) => line.GetProperty("event").GetString()!;

    private static int Number(JsonElement line) => line.GetProperty("fields").GetProperty("i").GetInt32();

    private static List<JsonElement> Lines(string path) =>
        [.. File.ReadLines(path).Select(line => JsonDocument.Parse(line).RootElement)];

    private static LogPipeline Open(string path) => LogPipeline.ToFile(path, LogLevel.Info)
        .Match(log => log, problem => throw new InvalidOperationException(problem.ToText()));
}
