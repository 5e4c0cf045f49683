using Bal.Domain.Config;
using Bal.Domain.Messages;

namespace Bal.Domain.Specs.Config;

/// <summary>What is refused, and how it is said.</summary>
public class ConfigErrorSpecs
{
    [Theory]
    [InlineData("9295", true)]
    [InlineData("1", true)]
    [InlineData("65535", true)]
    [InlineData("0", false)]
    [InlineData("65536", false)]
    [InlineData("-1", false)]
    [InlineData("+5", false)]
    [InlineData("09295", false)]
    [InlineData("0x10", false)]
    [InlineData("1e3", false)]
    [InlineData("9295.0", false)]
    [InlineData("9_295", false)]
    [InlineData(" 9295", false)]
    [InlineData("99999999999999999999999", false)]
    [InlineData("٣", false)]
    [InlineData("http", false)]
    public void A_number_is_decimal_digits_quoted_or_not(string text, bool accepted)
    {
        foreach (var quoted in new[] { true, false })
        {
            var draft = Draft.Valid();
            var at = draft.Add(draft.Top, "port", text, quoted);

            var findings = draft.Validate().Findings.ToList();

            Assert.Equal(accepted ? [] : [at], findings.Select(f => f.At));
            Assert.All(findings, f => Assert.Contains("from 1 to 65535", f.Message));
        }
    }

    [Theory]
    [InlineData("800ms", "write the number alone: 800")]
    [InlineData("5s", "the unit is milliseconds: write 5000")]
    public void A_time_with_a_unit_is_told_what_to_write(string text, string hint)
    {
        var draft = Draft.Valid();
        draft.Add(draft.Runtime, "protection_window_ms", text);

        Assert.Equal(hint, draft.OnlyFinding().Hint);
    }

    [Theory]
    [InlineData("backend", "backends")]
    [InlineData("prot", "port")]
    [InlineData("Port", "port")]
    [InlineData("bind-address", "bind_address")]
    [InlineData("bind", "bind_address")]
    [InlineData("loglevel", "log_level")]
    [InlineData("methods", "method")]
    public void An_unknown_key_is_told_the_one_that_was_meant(string typed, string meant)
    {
        var draft = Draft.Valid();
        draft.Top.Add(draft.Entry(typed, draft.Scalar("x")));

        var finding = draft.OnlyFinding();

        Assert.Equal(("unknown_key", $"did you mean '{meant}'?"), (finding.Code, finding.Hint));
    }

    [Fact]
    public void A_runtime_key_at_the_top_is_told_where_it_belongs()
    {
        var draft = Draft.Valid();
        draft.Add(draft.Top, "tcp_backlog", "10");

        Assert.Contains("belongs under 'runtime:'", draft.OnlyFinding().Hint);
    }

    [Fact]
    public void A_repeated_key_names_the_line_of_the_first()
    {
        var draft = Draft.Valid();
        var first = draft.Scalar("port");
        var second = draft.Scalar("port");
        draft.Top.Add(new RawEntry(first, draft.Scalar("1")));
        draft.Top.Add(new RawEntry(second, draft.Scalar("2")));

        var finding = draft.OnlyFinding();

        Assert.Equal(("duplicate_key", "port", second.At), (finding.Code, finding.Path, finding.At));
        Assert.Contains($"line {first.At.Line}", finding.Message);
    }

    [Theory]
    [InlineData("DB.example", "db.example.")]
    [InlineData("::1", "[0:0:0:0:0:0:0:1]")]
    [InlineData("2001:DB8::A", "2001:db8:0:0::a")]
    [InlineData("::ffff:10.9.9.9", "10.9.9.9")]
    public void A_backend_written_in_two_ways_is_one_backend(string one, string other)
    {
        var draft = Draft.Valid();
        draft.AddBackend(one, "80");
        var second = draft.AddBackend(other, "80");
        draft.AddBackend(other, "81");

        var finding = draft.OnlyFinding();

        Assert.Equal(("duplicate_backend", "backends[3]", second), (finding.Code, finding.Path, finding.At));
    }

    [Theory]
    [InlineData("10.0.0.9")]
    [InlineData("0.0.0.0")]
    [InlineData("::1")]
    [InlineData("[2001:db8::1]")]
    [InlineData("::ffff:1.2.3.4")]
    [InlineData("fe80::1%2")]
    [InlineData("localhost")]
    [InlineData("db-1.internal.")]
    [InlineData("_pg._tcp.db_1")]
    [InlineData("3com.example")]
    [InlineData("xn--bcher-kva.example")]
    public void Addresses_and_names_are_hosts(string host)
    {
        var draft = Draft.Valid();
        draft.AddBackend(host, "80");

        Assert.Empty(draft.Validate().Findings);
    }

    [Theory]
    [InlineData("")]
    [InlineData("127.1")]
    [InlineData("10.0.0.256")]
    [InlineData("010.0.0.1")]
    [InlineData("10.0.0.1.5")]
    [InlineData("0x7f.1")]
    [InlineData("0x7f000001")]
    [InlineData("2130706433")]
    [InlineData("10.0.0.1.")]
    [InlineData("1::2::3")]
    [InlineData("::ffff:127.0.0.01")]
    [InlineData("::ffff:127.1")]
    [InlineData("::1/64")]
    [InlineData("fe80::1%eth0")]
    [InlineData("[::1")]
    [InlineData(":::")]
    [InlineData("12345::")]
    [InlineData("a..b")]
    [InlineData(".")]
    [InlineData(".a")]
    [InlineData("-a.b")]
    [InlineData("a-.b")]
    [InlineData("a b")]
    [InlineData("bücher.example")]
    [InlineData("http://a")]
    [InlineData("a/b")]
    [InlineData("*")]
    public void Anything_else_is_no_host(string host)
    {
        var draft = Draft.Valid();
        draft.AddBackend(host, "80");

        Assert.Equal(("invalid_host", "backends[2].host"), (draft.OnlyFinding().Code, draft.OnlyFinding().Path));
    }

    [Theory]
    [InlineData(63, true)]
    [InlineData(64, false)]
    public void A_label_of_a_name_has_at_most_63_characters(int length, bool isHost) =>
        IsHost(new string('a', length), isHost);

    [Theory]
    [InlineData(253, true)]
    [InlineData(254, false)]
    public void A_name_has_at_most_253_characters(int length, bool isHost) =>
        IsHost(string.Concat(Enumerable.Repeat("abc.", 64))[..length], isHost);

    private static void IsHost(string host, bool expected)
    {
        var draft = Draft.Valid();
        draft.AddBackend(host, "80");

        Assert.Equal(expected ? "" : "invalid_host", string.Join(' ', draft.Validate().Findings.Map(f => f.Code)));
    }

    [Theory]
    [InlineData("10.0.0.1:9000", "write the host alone (\"10.0.0.1\") and the port under its own key (port: 9000)")]
    [InlineData("[::1]:9000", "write the host alone (\"[::1]\") and the port under its own key (port: 9000)")]
    [InlineData("db:9000", "write the host alone (\"db\") and the port under its own key (port: 9000)")]
    public void A_port_inside_the_host_is_told_where_it_belongs(string host, string hint)
    {
        var draft = Draft.Valid();
        draft.AddBackend(host, "80");

        Assert.Equal(("port_in_host", hint), (draft.OnlyFinding().Code, draft.OnlyFinding().Hint));
    }

    [Theory]
    [InlineData("failover_backoff_initial_ms", "9000", "failover_backoff_max_ms is 5000 (auto-tuned for 2 backends)")]
    [InlineData("failover_backoff_max_ms", "150",
        "failover_backoff_initial_ms, which is 200 (auto-tuned for 2 backends)")]
    public void A_backoff_that_conflicts_with_an_auto_tuned_one_names_it(string key, string value, string said)
    {
        var draft = Draft.Valid();
        var at = draft.Add(draft.Runtime, key, value);

        var finding = draft.OnlyFinding();

        Assert.Equal(("backoff_max_below_initial", $"runtime.{key}", at), (finding.Code, finding.Path, finding.At));
        Assert.Contains(said, finding.Message);
    }

    [Fact]
    public void A_backoff_maximum_may_equal_the_initial_value_and_not_be_less()
    {
        var equal = Draft.Valid();
        equal.Add(equal.Runtime, "failover_backoff_initial_ms", "300");
        equal.Add(equal.Runtime, "failover_backoff_max_ms", "300");
        var less = Draft.Valid();
        less.Add(less.Runtime, "failover_backoff_initial_ms", "300");
        var at = less.Add(less.Runtime, "failover_backoff_max_ms", "299");

        Assert.Empty(equal.Validate().Findings);
        Assert.Equal(at, less.OnlyFinding().At);
        Assert.DoesNotContain("auto-tuned", less.OnlyFinding().Message);
    }

    [Theory]
    [InlineData("auto", -1)]
    [InlineData("1", 1)]
    [InlineData("1024", 1024)]
    public void Threads_are_auto_or_a_number(string text, int expected)
    {
        var draft = Draft.Valid();
        draft.Add(draft.Runtime, "threads", text);

        Assert.Equal(expected, draft.Config().Threads.IfNone(-1));
    }

    [Theory]
    [InlineData("mode", "Simple", "did you mean 'simple'?")]
    [InlineData("method", "roundrobin", "did you mean 'round_robin'?")]
    [InlineData("log_level", "warning", "did you mean 'warn'?")]
    [InlineData("log_level", "trace", "write debug, info, warn or error")]
    public void A_word_is_exact_and_a_near_miss_is_told_which_was_meant(string key, string value, string hint)
    {
        var draft = Draft.Valid();
        draft.Add(draft.Top, key, value);

        Assert.Equal(("invalid_value", hint), (draft.OnlyFinding().Code, draft.OnlyFinding().Hint));
    }

    [Theory]
    [InlineData("/var/log/bal/", "name a file in that directory")]
    [InlineData("a\nb", "write the path of a file, such as /var/log/bal/decisions.ndjson")]
    public void What_cannot_be_a_file_is_no_decision_log(string path, string hint)
    {
        var draft = Draft.Valid();
        var at = draft.Add(draft.Top, "decision_log", path, quoted: true);

        var finding = draft.OnlyFinding();

        Assert.Equal(
            ("invalid_path", "decision_log", at, hint), (finding.Code, finding.Path, finding.At, finding.Hint));
    }

    [Fact]
    public void A_decision_log_is_taken_as_it_is_written_and_there_is_none_by_default()
    {
        var draft = Draft.Valid();

        Assert.True(draft.Config().DecisionLog.IsNone);
        draft.Add(draft.Top, "decision_log", "decisions.ndjson");
        Assert.Equal("decisions.ndjson", draft.Config().DecisionLog.IfNone(""));
    }

    [Theory]
    [InlineData("", "empty_document")]
    [InlineData("~", "empty_document")]
    [InlineData("port", "wrong_type")]
    public void A_document_that_is_no_mapping_is_one_clear_error(string text, string code)
    {
        var finding = Assert.Single(
            ConfigValidation.Validate(new RawNode.Scalar(SourcePosition.Start, text, false),
                HostFacts.Unknown).Findings);

        Assert.Equal((Severity.Error, code), (finding.Severity, finding.Code));
    }

    [Fact]
    public void Missing_or_empty_backends_are_an_error()
    {
        var empty = Draft.Valid(backends: 0);
        var missing = new Draft();
        var document = missing.Mapping(missing.Entry("bind_address", missing.Scalar("::1")));

        Assert.Equal("no_backends", empty.OnlyFinding().Code);
        Assert.Equal("missing_key", Assert.Single(ConfigValidation.Validate(document,
            HostFacts.Unknown).Findings).Code);
    }

    [Fact]
    public void More_than_a_hundred_problems_are_counted_not_listed()
    {
        var draft = Draft.Valid();
        for (var i = 0; i < 250; i++)
            draft.Top.Add(draft.Entry($"key{i}", draft.Scalar("1")));

        var findings = draft.Validate().Findings;

        Assert.Equal(101, findings.Count);
        Assert.Equal(("more_findings", Severity.Error), (findings[100].Code, findings[100].Severity));
        Assert.Contains("150 more", findings[100].Message);
    }
}
