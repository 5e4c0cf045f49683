using System.Diagnostics;
using System.Text;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.Config;

namespace Bal.Integration.Config;

/// <summary>
/// From bytes to a document: positions, and one clear error for whatever is hostile, in bounded time and memory.
/// </summary>
public class YamlReaderTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);
    private const long MemoryBound = 512L << 20;

    [Fact]
    public void Nodes_carry_the_line_and_column_where_they_start()
    {
        var outcome =
            Validate("port: 9295\nbackends:\n  - host: \"10.0.0.1\"\n    port: 90000\n  - hots: db\n    port: 80\n");

        Assert.Equal(
            ["4:11:backends[0].port", "5:5:backends[1].host", "5:5:backends[1].hots"],
            outcome.Findings.Where(f => f.Severity == Severity.Error)
                .Select(f => $"{f.At.Line}:{f.At.Column}:{f.Path}").Order());
    }

    [Theory]
    [InlineData("port: [1, 2", "yaml_syntax")]
    [InlineData("port: \"1", "yaml_syntax")]
    [InlineData("a: b: c", "yaml_syntax")]
    [InlineData("a\nb: 1\n c: 2\n", "yaml_syntax")]
    [InlineData("port: 1\n\tmode: simple\n", "yaml_tab")]
    [InlineData("backends:\n\t- host: a\n", "yaml_tab")]
    [InlineData("port: 9295\nbackends:\n\t- host: a\n", "yaml_tab")]
    [InlineData("port: 1\n---\nport: 2\n", "yaml_multiple_documents")]
    [InlineData("port: *nowhere", "yaml_unknown_alias")]
    [InlineData("a: &a [*a]", "yaml_recursive_alias")]
    [InlineData("port: 1\u0001", "control_character")]
    [InlineData("port: 1\0", "control_character")]
    [InlineData("%YAML 9.9\n---\na: b", "yaml_syntax")]
    [InlineData("? a\n: b\n- c", "yaml_syntax")]
    [InlineData("@", "yaml_syntax")]
    [InlineData("}", "yaml_syntax")]
    public void What_is_no_single_yaml_document_is_one_error_with_a_place_and_a_remedy(string text, string code)
    {
        var fault = Fault(Encoding.UTF8.GetBytes(text));

        Assert.Equal(code, fault.Code);
        Assert.True(fault.At.Line >= 1 && fault.At.Column >= 1);
        Assert.NotEqual("", fault.Hint);
        Assert.DoesNotContain(fault.Message, char.IsControl);
    }

    [Fact]
    public void A_byte_order_mark_of_utf8_is_no_part_of_the_text() =>
        Assert.DoesNotContain(
            ConfigValidation.Validate(Read([0xEF, 0xBB, 0xBF, .. "port: 1"u8]), HostFacts.Unknown).Findings,
            f => f.Code == "unknown_key");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Utf16_is_refused_by_its_name(bool mark)
    {
        byte[] text = [.. mark ? Encoding.Unicode.GetPreamble() : [], .. Encoding.Unicode.GetBytes("port: 9295\n")];

        Assert.Equal("not_utf8", Fault(text).Code);
        Assert.Contains("UTF-16", Fault(text).Message);
    }

    [Fact]
    public void A_byte_that_is_not_utf8_is_refused_at_its_place()
    {
        var fault = Fault([.. "port: 1\nmode: "u8, 0xE9, (byte)'\n']);

        Assert.Equal(("not_utf8", new SourcePosition(2, 7)), (fault.Code, fault.At));
        Assert.Contains("0xe9", fault.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# only a comment\n")]
    [InlineData("---\n")]
    public void A_file_without_content_is_an_empty_document(string text) =>
        Assert.Equal("empty_document", Assert.Single(Validate(text).Findings).Code);

    [Fact]
    public void Aliases_stand_for_what_they_name()
    {
        var outcome = Validate("bind_address: &h \"127.0.0.1\"\nbackends:\n  - host: *h\n    port: 9000\n");

        Assert.Empty(outcome.Findings);
    }

    [Fact]
    public void A_merge_key_is_refused_with_a_hint()
    {
        var outcome =
            Validate("bind_address: ::1\nbackends:\n- &b {host: a, port: 80}\n- <<: *b\n  host: b\n  port: 81\n");

        Assert.Contains("merge keys are not supported", Assert.Single(outcome.Findings).Hint);
    }

    [Theory]
    [InlineData(32, true)]
    [InlineData(33, false)]
    public void Nesting_ends_at_32_levels(int levels, bool accepted)
    {
        var text = new string('[', levels) + new string(']', levels);

        Assert.Equal(accepted ? "" : "yaml_too_deep", YamlReader.Read(Encoding.UTF8.GetBytes(text)).Match(_ => "", f =>
            f.Code));
    }

    [Fact]
    public void Nesting_through_aliases_counts_as_well()
    {
        var half = new string('[', 20) + new string(']', 20);

        Assert.Equal("yaml_too_deep",
            Fault(Encoding.UTF8.GetBytes($"a: &a {half}\nb: {new string('[', 20)}*a{new string(']', 20)}\n")).Code);
    }

    public static TheoryData<string, string> HostileTexts => new()
    {
        { "brackets", new string('[', 500_000) },
        { "braces", Repeat("{a:", 500_000) },
        { "braces on lines", Repeat("{\n", 500_000) },
        { "dashes", Repeat("- ", YamlReader.MaxBytes) },
        { "question marks", Repeat("? ", YamlReader.MaxBytes) },
        { "colons", Repeat(": ", YamlReader.MaxBytes) },
        { "one long key", new string('k', YamlReader.MaxBytes - 4) + ": 1" },
        { "long quoted key", "\"" + new string('k', YamlReader.MaxBytes - 8) + "\": 1" },
        { "long key in flow", "{" + new string('k', YamlReader.MaxBytes - 8) + ": 1}" },
        { "open quote", "a: \"" + new string('x', YamlReader.MaxBytes - 8) },
        { "open quote over lines", "a: \"" + Repeat("x\n", YamlReader.MaxBytes - 8) },
        { "plain over lines", "a: " + Repeat("x\n ", YamlReader.MaxBytes - 8) },
        { "commas", "[" + Repeat("a,", YamlReader.MaxBytes - 8) + "]" },
        { "commas on lines", "[" + Repeat("a,\n", YamlReader.MaxBytes - 8) + "]" },
        { "pairs in flow", "{" + Repeat("a: b,", YamlReader.MaxBytes - 8) + "}" },
        { "many keys", string.Concat(Enumerable.Range(0, 100_000).Select(i => $"k{i}: 1\n")) },
        { "same key", Repeat("port: 1\n", YamlReader.MaxBytes) },
        { "many anchors", string.Concat(Enumerable.Range(0, 50_000).Select(i => $"- &a{i} x\n")) },
        { "long anchor", "a: &" + new string('a', YamlReader.MaxBytes - 16) + " 1" },
        { "long tag", "a: !" + new string('a', YamlReader.MaxBytes - 16) + " 1" },
        { "tags", Repeat("!a ", YamlReader.MaxBytes) },
        { "directives", Repeat("%A b\n", YamlReader.MaxBytes) },
        { "tag directives", string.Concat(Enumerable.Range(0, 50_000).Select(i => $"%TAG !a{i}! b\n")) },
        { "comments", Repeat("#\n", YamlReader.MaxBytes) },
        { "blank", new string(' ', YamlReader.MaxBytes) },
        { "blank lines", new string('\n', YamlReader.MaxBytes) },
        { "documents", Repeat("---\n", YamlReader.MaxBytes) },
        { "block scalar", "a: |\n" + Repeat(" x\n", YamlReader.MaxBytes - 8) },
        { "folded scalar of blank lines", "a: >\n" + new string('\n', YamlReader.MaxBytes - 8) + " x" },
        { "escapes", "a: \"" + Repeat("\\n", YamlReader.MaxBytes - 8) + "\"" },
        { "tabs", new string('\t', YamlReader.MaxBytes) },
        { "alias bomb", AliasBomb("[", "]") },
        { "alias bomb of mappings", AliasBomb("{x: [", "]}") },
        { "alias bomb of backends", "a: &a {host: b, port: 1}\nbackends: [" + Repeat("*a,", 900_000) + "]" },
        { "backends", "backends:\n" + Repeat("- host: a\n  port: 1\n", YamlReader.MaxBytes - 16) },
        { "backends of nothing", "backends:\n" + Repeat("-\n", YamlReader.MaxBytes - 16) },
    };

    [Theory, MemberData(nameof(HostileTexts))]
    public void A_hostile_file_is_answered_in_bounded_time_and_memory(string name, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Assert.InRange(bytes.Length, 1, YamlReader.MaxBytes);
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var started = Stopwatch.StartNew();

        var findings = YamlReader.Read(bytes)
            .Match(document => ConfigValidation.Validate(document, HostFacts.Unknown).Findings, f => new([f]));

        Assert.InRange(started.Elapsed, TimeSpan.Zero, Bound);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, MemoryBound);
        Assert.Contains(findings, f => f.Severity == Severity.Error);
        Assert.All(findings, f => Assert.True(f.Message.Length < 500, $"{name}: {f.Message.Length}"));
    }

    private static string Repeat(string part, int bytes) => string.Concat(Enumerable.Repeat(part, bytes / part.Length));

    private static string AliasBomb(string open, string close) => "a0: &a0 lol\n" + string.Concat(Enumerable.Range(1,
        12)
        .Select(i => $"a{i}: &a{i} {open}{string.Join(",", Enumerable.Repeat($"*a{i - 1}", 9))}{close}\n"));

    private static ConfigOutcome Validate(string text) =>
        ConfigValidation.Validate(Read(Encoding.UTF8.GetBytes(text)), HostFacts.Unknown);

    private static RawNode Read(byte[] bytes) => YamlReader.Read(bytes).Match(
        document => document, fault => throw new Xunit.Sdk.XunitException(fault.Message));

    private static Finding Fault(byte[] bytes) => YamlReader.Read(bytes).Match(
        document => throw new Xunit.Sdk.XunitException($"accepted: {document}"), fault => fault);
}
