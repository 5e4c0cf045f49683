using System.Globalization;
using System.Text;
using System.Text.Json;
using Bal.Domain.Messages;
using Bal.Infrastructure.Logging;
using Bal.Integration.Process;
using FsCheck;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Integration.Logging;

/// <summary>Every line is one JSON object with the same six keys, whatever is logged.</summary>
[Collection("log threads")]
public sealed class NdjsonSpecs
{
    private static readonly string[] Keys = ["timestamp", "level", "message", "module", "event", "fields"];

    [Property(MaxTest = 300)]
    public void Any_text_anywhere_gives_one_line_that_parses(
        bool warn, string? module, string? name, string? message, (string?, string?)[] fields)
    {
        var line = new LogEvent(warn ? LogLevel.Warn : LogLevel.Info, module ?? "", name ?? "", message ?? "",
            new Arr<LogField>(fields.Select(f => LogField.Of(f.Item1 ?? "", f.Item2 ?? ""))));

        var bytes = Logged(log => log.Write(line));

        Assert.Equal(1, bytes.Count(b => b == (byte)'\n'));
        Assert.Equal((byte)'\n', bytes[^1]);
        Assert.DoesNotContain(bytes, b => b is < 0x20 and not (byte)'\n' or 0x7f);
        Assert.Equal(Keys, JsonDocument.Parse(bytes).RootElement.EnumerateObject().Select(p => p.Name));
    }

    [Theory]
    [InlineData("{Template} {0} {")]
    [InlineData("\u0000\u001b[31m\r\n\t\u0085\u009b")]
    [InlineData("Grüße 'quoted' \"too\" 🙂")]
    public void Texts_arrive_as_they_are(string text) => Arrives(text, text);

    // Not as data of a theory: an attribute cannot hold half a character.
    [Fact]
    public void Halves_of_characters_arrive_as_replacement_characters()
    {
        Arrives("\ud800 alone", "\ufffd alone");
        Arrives("end \udc00", "end \ufffd");
    }

    private static void Arrives(string text, string arrived)
    {
        var root = Parse(Logged(log => log.Write(LogEvent.Info("m", "e", text, LogField.Of("f", text)))));

        Assert.Equal(arrived, root.GetProperty("message").GetString());
        Assert.Equal(arrived, root.GetProperty("fields").GetProperty("f").GetString());
    }

    [Fact]
    public void The_keys_hold_what_is_documented()
    {
        var root = Parse(Logged(log => log.Write(LogEvent.Warn("health", "backend_down", "down",
            LogField.Of("n", 5L), LogField.Of("yes", true), LogField.None("none"), LogField.Of("text", "t")))));

        Assert.Equal("WARN", root.GetProperty("level").GetString());
        Assert.Equal("health", root.GetProperty("module").GetString());
        Assert.Equal("backend_down", root.GetProperty("event").GetString());
        Assert.Equal("""{"n":5,"yes":true,"none":null,"text":"t"}""", root.GetProperty("fields").GetRawText());
        var timestamp = root.GetProperty("timestamp").GetString()!;
        Assert.EndsWith("Z", timestamp, StringComparison.Ordinal);
        var at = DateTimeOffset.Parse(timestamp, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        Assert.InRange(DateTimeOffset.UtcNow - at, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void Lines_below_the_level_are_left_out_and_the_level_may_change_at_any_time()
    {
        var text = Encoding.UTF8.GetString(Logged(log =>
        {
            log.Write(LogEvent.Debug("m", "unseen", ""));
            log.Level = LogLevel.Debug;
            log.Write(LogEvent.Debug("m", "seen", ""));
            log.Level = LogLevel.Error;
            log.Write(LogEvent.Warn("m", "unseen", ""));
            Assert.Equal(LogLevel.Error, log.Level);
        }));

        Assert.Contains("\"seen\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("unseen", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_huge_text_is_cut()
    {
        var root = Parse(Logged(log => log.Write(LogEvent.Info("m", "e", new string('x', 10_000_000)))));

        Assert.Equal(NdjsonFormatter.MaxText, root.GetProperty("message").GetString()!.Length);
    }

    private static JsonElement Parse(byte[] line) => JsonDocument.Parse(line).RootElement;

    private static byte[] Logged(Action<LogPipeline> write)
    {
        using var place = new TempDirectory();
        using (var log = LogPipeline.ToFile(place.File("log"), LogLevel.Info)
            .Match(l => l, problem => throw new InvalidOperationException(problem.ToText())))
        {
            write(log);
            Assert.True(log.Flush(TimeSpan.FromSeconds(10)));
        }
        return File.ReadAllBytes(place.File("log"));
    }
}
