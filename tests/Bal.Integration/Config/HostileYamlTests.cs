using System.Text;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using Bal.Infrastructure.Config;

namespace Bal.Integration.Config;

/// <summary>What other YAML readers have been attacked with, by name: each is one clear error, or harmless.</summary>
public class HostileYamlTests
{
    private const string Valid = "bind_address: ::1\nbackends: [{host: a, port: 1}]\n";

    public static TheoryData<string, byte[]> Encodings => new()
    {
        { "UTF-32", [.. Encoding.UTF32.GetPreamble(), .. Encoding.UTF32.GetBytes(Valid)] },
        { "UTF-32 without a mark", Encoding.UTF32.GetBytes(Valid) },
        { "UTF-16 big-endian", [0xFE, 0xFF, .. Encoding.BigEndianUnicode.GetBytes(Valid)] },
        { "UTF-16 big-endian without a mark", Encoding.BigEndianUnicode.GetBytes(Valid) },
        { "Latin-1", Encoding.Latin1.GetBytes("# größe\n" + Valid) },
        { "an overlong NUL", [.. "a: "u8, 0xC0, 0x80] },
        { "half of a surrogate pair", [.. "a: "u8, 0xED, 0xA0, 0x80] },
        { "beyond Unicode", [.. "a: "u8, 0xF4, 0x90, 0x80, 0x80] },
        { "a sequence cut off by the end", [.. "a: "u8, 0xF0, 0x9F] },
        { "UTF-7", "+ADw-script+AD4-"u8.ToArray() },
    };

    [Theory, MemberData(nameof(Encodings))]
    public void Whatever_is_not_utf8_is_one_error(string name, byte[] bytes)
    {
        var finding = Assert.Single(Findings(bytes), f => f.Severity == Severity.Error);

        Assert.Equal(name == "UTF-7" ? "wrong_type" : "not_utf8", finding.Code);
        Assert.True(finding.At.Line >= 1 && finding.At.Column >= 1);
    }

    [Fact]
    public void Utf32_is_not_called_utf16() => Assert.Contains("UTF-32",
        Findings([.. Encoding.UTF32.GetPreamble(), .. Encoding.UTF32.GetBytes(Valid)]).Single().Message);

    [Fact]
    public void Every_control_character_is_refused_at_its_place_and_shown_by_its_number()
    {
        foreach (var control in Enumerable.Range(0, 32).Append(127).Except(['\t', '\n', '\r']))
        {
            var finding = Assert.Single(Findings($"port: 1\nmode: {(char)control}\n"));

            Assert.Equal(("control_character", new SourcePosition(2, 7)), (finding.Code, finding.At));
            Assert.Contains($"0x{control:x2}", finding.Message);
        }
    }

    [Theory]
    [InlineData("a: *\u009b31m")]
    [InlineData("a: &a [*a, \u202e")]
    [InlineData("a: [\u009b2J\u202e\n")]
    [InlineData("\u009b: 1\n\u202e: 2\n")]
    [InlineData("backends: [{host: \"\\e[2J\\u202e\", port: 1}]")]
    [InlineData("port: \"\\e]0;title\\a\"")]
    [InlineData("log_level: \"a\\r\\nwhat_happened: forged\"")]
    [InlineData("mode: \"\\ud800\"")]
    public void No_text_of_a_file_steers_the_terminal_or_forges_a_line(string text)
    {
        var report = new CheckReport("config.yaml", Outcome(Encoding.UTF8.GetBytes(text)), Strict: true);

        Assert.True(Bal.Fuzz.Terminal.IsHarmless(report.ToVerboseText(), lines: true));
        Assert.All(report.Outcome.Findings, f =>
            Assert.True(Bal.Fuzz.Terminal.IsHarmless(f.Message + f.Hint + f.Path)));
        Assert.Equal(report.Outcome.Findings.Count,
            report.ToText().Split('\n').Count(line => line.StartsWith("what_happened:", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("port: !!python/object/apply:os.system [\"id\"]", "wrong_type")]
    [InlineData("port: !!python/object:os.system {}", "wrong_type")]
    [InlineData("port: !!js/function 'function () {}'", "invalid_integer")]
    [InlineData("port: !<tag:yaml.org,2002:binary> OTI5NQ==", "invalid_integer")]
    [InlineData("!!java.net.URL [\"http://127.0.0.1/\"]", "wrong_type")]
    [InlineData("!!System.Diagnostics.Process {StartInfo: {}}", "unknown_key")]
    public void A_tag_makes_nothing_but_plain_values(string text, string code) =>
        Assert.Contains(Findings(text), f => f.Code == code);

    [Theory]
    [InlineData("port: !!int \"80\"")]
    [InlineData("port: ! 80")]
    [InlineData("port: &p 80")]
    public void A_tag_or_an_anchor_on_a_value_changes_nothing(string text) =>
        Assert.Empty(Findings($"{Valid}{text}\n"));

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("-0")]
    [InlineData("65536")]
    [InlineData("4294967297")]
    [InlineData("99999999999999999999999999999999999999999999999999")]
    [InlineData("0x2451")]
    [InlineData("0o22121")]
    [InlineData("022121")]
    [InlineData("00080")]
    [InlineData("9_295")]
    [InlineData("2:34:55")]
    [InlineData("1e3")]
    [InlineData("80.0")]
    [InlineData(".inf")]
    [InlineData(".nan")]
    [InlineData("+80")]
    [InlineData("\" 80\"")]
    [InlineData("\"80\\0\"")]
    [InlineData("\"\\uFF18\\uFF10\"")]
    [InlineData("\"\\u0668\\u0660\"")]
    [InlineData("true")]
    [InlineData("yes")]
    [InlineData("2001-01-01")]
    [InlineData("80%")]
    [InlineData("!!float 80.5")]
    [InlineData("|\n  80")]
    public void A_port_is_decimal_digits_from_1_to_65535_and_nothing_that_looks_like_a_number(string port)
    {
        var finding = Assert.Single(Findings($"{Valid}port: {port}\n"));

        Assert.Contains(finding.Code, (string[])["invalid_integer", "out_of_range"]);
        Assert.Contains("an integer from 1 to 65535", finding.Message);
    }

    [Theory]
    [InlineData("port: 1\nport: 2\n" + Valid, "port")]
    [InlineData(Valid + "\"port\": 1\n'port': 1\n", "port")]
    [InlineData(Valid + "port: 1\n\"p\\x6frt\": 1\n", "port")]
    [InlineData("bind_address: ::1\nbackends: [{host: a, port: 1, host: b}]", "backends[0].host")]
    [InlineData(Valid + "runtime: {tcp_backlog: 1, tcp_backlog: 1}", "runtime.tcp_backlog")]
    [InlineData(Valid + "backends: []", "backends")]
    public void A_key_given_twice_is_one_error_in_every_mapping_however_it_is_spelled(string text, string path)
    {
        var finding = Assert.Single(Findings(text), f => f.Severity == Severity.Error);

        Assert.Equal(("duplicate_key", path), (finding.Code, finding.Path));
    }

    [Theory]
    [InlineData("bind_address: ::1\rbackends: [{host: a, port: x}]\r")]
    [InlineData("bind_address: ::1\r\nbackends: [{host: a, port: x}]\r\n")]
    [InlineData("bind_address: ::1\nbackends: [{host: a, port: x}]")]
    [InlineData("\uFEFFbind_address: ::1\nbackends: [{host: a, port: x}]")]
    public void Lines_end_as_every_system_writes_them_and_places_follow(string text) =>
        Assert.Equal((2, 28), Findings(text).Select(f => (f.At.Line, f.At.Column)).Single());

    [Theory]
    [InlineData("bind_address: ::1\u0085backends: [{host: a, port: 1}]\u0085")]
    [InlineData("bind_address: ::1\u2028backends: [{host: a, port: 1}]\u2029")]
    [InlineData("%YAML 1.1\n---\nbind_address: ::1\nbackends: [{host: a, port: 1}]\n...\n")]
    [InlineData("%YAML 1.2\n%TAG !a! tag:a\n---\nbind_address: ::1\nbackends: [{host: a, port: !a!b 1}]\n")]
    [InlineData("bind_address:\t::1\nbackends:\t[{host:\ta, port:\t1}]\t# tabs\n")]
    [InlineData("? bind_address\n: ::1\n? backends\n: - {? host : a, ? port : 1}\n")]
    public void Unusual_ways_to_write_the_same_give_the_same_or_one_error(string text)
    {
        var outcome = Outcome(Encoding.UTF8.GetBytes(text));

        Assert.True(outcome.Findings.IsEmpty
            ? outcome.Config == Outcome(Encoding.UTF8.GetBytes(Valid)).Config
            : outcome.Findings.Count == 1, string.Join("; ", outcome.Findings.Select(f => f.Message)));
    }

    [Fact]
    public void A_long_text_under_many_names_is_one_error_in_bounded_time()
    {
        var text = $"a: &a {new string('a', 500_000)}\nbackends: "
            + $"[{string.Join(',', Enumerable.Repeat("*a", 150_000))}]\n";
        var clock = Environment.CpuUsage.TotalTime;

        Assert.Equal("yaml_too_much_text", Assert.Single(Findings(text)).Code);
        Assert.InRange(Environment.CpuUsage.TotalTime - clock, TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void The_name_of_an_alias_is_cut_in_the_message() =>
        Assert.InRange(Assert.Single(Findings($"a: *{new string('a', 500_000)}")).Message.Length, 1, 200);

    [Fact]
    public void Twenty_thousand_backends_are_read_and_more_refused_in_bounded_time()
    {
        var clock = Environment.CpuUsage.TotalTime;

        var many = Outcome(Encoding.UTF8.GetBytes("bind_address: ::1\nbackends:\n" + Backends(20_000)));
        var tooMany = Findings("bind_address: ::1\nbackends:\n" + Backends(20_001));
        var more = Findings("bind_address: ::1\nbackends:\n" + string.Concat(Enumerable.Repeat("- {}\n", 200_000)));

        Assert.Empty(many.Findings);
        Assert.Equal("too_many_backends", Assert.Single(tooMany).Code);
        Assert.Equal(20_000, many.Config.Match(c => c.Services[0].Backends.Count, () => 0));
        Assert.Equal("yaml_too_many_nodes", Assert.Single(more).Code);
        Assert.InRange(Environment.CpuUsage.TotalTime - clock, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    private static string Backends(int count) =>
        string.Concat(Enumerable.Range(1, count).Select(port => $"- {{host: a, port: {port}}}\n"));

    private static ConfigOutcome Outcome(byte[] bytes) => YamlReader.Read(bytes).Match(
        document => ConfigValidation.Validate(document, HostFacts.Unknown), ConfigOutcome.Unreadable);

    private static List<Finding> Findings(byte[] bytes) => [.. Outcome(bytes).Findings];

    private static List<Finding> Findings(string text) => Findings(Encoding.UTF8.GetBytes(text));
}
