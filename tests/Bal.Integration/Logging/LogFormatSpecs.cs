using System.Globalization;
using Bal.Domain.Messages;
using Bal.Infrastructure.Logging;
using Bal.Integration.Process;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Integration.Logging;

/// <summary>Lines for people, lines for the journal, and <c>bal logs</c>, which makes the former of JSON.</summary>
[Collection("log threads")]
public sealed class LogFormatSpecs : IDisposable
{
    private static readonly LogEvent Refused = LogEvent.Failure("start", "start_failed", new Problem(
        "x", "port 80 is held by nginx", "another server has it", "stop it, or choose another port"));

    private readonly TempDirectory _place = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public void Text_says_when_how_grave_who_and_what_and_of_a_problem_what_to_do()
    {
        var lines = Written(LogFormat.Text, Refused);

        Assert.Matches(
            @"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ERROR start: port 80 is held by nginx$", lines[0]);
        Assert.Equal("  why_likely: another server has it", lines[1]);
        Assert.Equal("  do_this_now: stop it, or choose another port", lines[2]);
        Assert.Equal(3, lines.Length);
    }

    [Fact]
    public void Auto_is_json_where_nobody_reads_along_and_the_command_line_wins_over_the_file()
    {
        Assert.StartsWith("{", Written(LogFormat.Auto, Refused)[0], StringComparison.Ordinal);
        Assert.StartsWith("{", Written(LogFormat.Json, Refused)[0], StringComparison.Ordinal);
        Assert.StartsWith("{", Written(LogFormat.Text, Refused, LogFormat.Json)[0], StringComparison.Ordinal);
        Assert.StartsWith("2", Written(LogFormat.Json, Refused, LogFormat.Text)[0], StringComparison.Ordinal);
    }

    // What logs says of a file of JSON is what a file of text would have said.
    [Property]
    public void A_line_of_json_is_shown_as_text_would_have_been_written(string? message)
    {
        var line = LogEvent.Warn("health", "backend_down", message ?? "", LogField.Of("backend", "10.0.0.1:80"));
        var json = Written(LogFormat.Json, line)[0];

        var shown = LogReader.Text(System.Text.Encoding.UTF8.GetBytes(json));

        Assert.EndsWith("\n", shown, StringComparison.Ordinal);
        Assert.DoesNotContain(shown[..^1], char.IsControl);
        Assert.Contains(" WARN  health: ", shown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("not json\u001b[2J", "not json\\u001b[2J\n")]
    [InlineData("{\"half\": ", "{\"half\": \n")]
    [InlineData("{}", "{}\n")]
    public void What_is_not_a_line_of_bal_is_shown_as_it_is_and_cannot_steer_the_terminal(string line, string shown) =>
        Assert.Equal(shown, LogReader.Text(System.Text.Encoding.UTF8.GetBytes(line)), ignoreCase: true);

    [Fact]
    public void What_comes_later_is_read_on_and_a_file_that_takes_its_place_from_its_start()
    {
        var path = _place.File("bal.log");
        using var reader = new LogReader(path);
        Assert.Empty(reader.More());

        File.WriteAllText(path, "one\ntw");
        Assert.Equal(["one\n"], reader.More());
        File.AppendAllText(path, "o\nthree\n");
        Assert.Equal(["two\n", "three\n"], reader.More());
        File.AppendAllText(path, "four\n");
        File.Move(path, path + ".1");
        File.WriteAllText(path, "five\n");
        Assert.Equal(["four\n", "five\n"], reader.More());
        // copytruncate of logrotate(8).
        File.WriteAllText(path, "6\n");
        Assert.Equal(["6\n"], reader.More());
    }

    [Fact]
    public void Rotated_files_come_first_the_oldest_first_and_other_files_not_at_all()
    {
        var path = _place.File("bal.log");
        var at = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        foreach (var (name, day) in new[] { ("bal.log.2.gz", 1), ("bal.log-20260102", 2), ("bal.log.1", 3) })
        {
            File.WriteAllText(_place.File(name), "x");
            File.SetLastWriteTimeUtc(_place.File(name), at.AddDays(day));
        }

        File.WriteAllText(path, "x");
        File.WriteAllText(_place.File("bal.logs"), "x");

        var rotated = LogReader.Rotated(path);
        Assert.Equal(["bal.log.2.gz", "bal.log-20260102", "bal.log.1"], rotated.Select(Path.GetFileName));
        Assert.Equal(["bal.log.2.gz"], rotated.Where(LogReader.IsCompressed).Select(Path.GetFileName));
    }

    [Fact]
    public void The_journal_is_known_by_device_and_inode()
    {
        using var pipe = new Pipe();
        using var stat = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(
            "stat", ["-Lc", "%d:%i", $"/proc/{Environment.ProcessId}/fd/{pipe.WriteEnd}"])
        {
            RedirectStandardOutput = true,
        })!;
        var its = stat.StandardOutput.ReadToEnd().Trim();

        Assert.True(LineWriter.IsJournal(pipe.WriteEnd, its));
        Assert.False(LineWriter.IsJournal(pipe.WriteEnd, its + "1"));
        Assert.False(LineWriter.IsJournal(pipe.WriteEnd, null));
        Assert.False(LineWriter.IsJournal(pipe.WriteEnd, "8"));
    }

    [Theory]
    [InlineData(LogFormat.Text)]
    [InlineData(LogFormat.Json)]
    public void For_the_journal_each_line_begins_with_its_level(LogFormat format)
    {
        var writer = new LineWriter(isTerminal: false, isJournal: true);
        writer.Use(format);

        var lines = System.Text.Encoding.UTF8.GetString(writer.Encode(LogEventState.ToSerilog(
            Refused, Serilog.Events.LogEventLevel.Error))).TrimEnd('\n').Split('\n');

        Assert.All(lines, line => Assert.StartsWith("<3>", line, StringComparison.Ordinal));
    }

    private string[] Written(LogFormat format, LogEvent line, LogFormat? chosen = null)
    {
        var path = _place.File(Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture));
        using (var log = LogPipeline.ToFile(path, LogLevel.Debug).Match(
            Right: log => log, Left: problem => throw new InvalidOperationException(problem.WhatHappened)))
        {
            log.Choose(Prelude.Optional(chosen)).Use(format);
            log.Write(line);
            Assert.True(log.Flush(TimeSpan.FromSeconds(10)));
        }

        return File.ReadAllText(path).TrimEnd('\n').Split('\n');
    }
}
