using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Recording;
using Bal.Domain.Reload;
using Bal.Domain.Specs.Control;
using LanguageExt;

namespace Bal.Domain.Specs.Config;

/// <summary><c>health_check</c> of a service, and of a backend in its place.</summary>
public class HealthCheckSpecs
{
    private static readonly HealthCheck Full = new(CheckType.TcpFull);

    [Fact]
    public void That_of_a_backend_replaces_that_of_its_service()
    {
        var config = Valid(Raw.Map(
            Check("tcp_full"),
            Raw.Entry("backends", Raw.List(Raw.Text("10.0.0.1:1"), Raw.Map(
                Raw.Entry("host", "10.0.0.2"), Raw.Entry("port", Raw.Number(2)), Check("tcp"))))));

        var probes = ControlMachine.Step(Life.Tick, Life.Birth, ControlMachine.Start(config, Life.Birth).State)
            .Effects.OfType<ControlEffect.StartProbe>();

        Assert.Equal([Full, HealthCheck.Default], probes.Select(probe => probe.Check));
    }

    [Fact]
    public void It_is_tcp_where_the_file_says_nothing() =>
        Assert.Equal(HealthCheck.Default, Valid(Raw.Map(Backends())).Main.HealthCheck);

    [Theory]
    [InlineData("tcp_ful", "did you mean 'tcp_full'?")]
    public void A_type_that_does_not_exist_is_told_the_one_that_was_meant(string type, string hint) =>
        Assert.Equal(hint, Assert.Single(ConfigValidation
            .Validate(Raw.Map(Check(type), Backends()), HostFacts.Unknown).Findings
            .Filter(finding => finding.Path == "health_check.type")).Hint);

    [Fact]
    public void A_word_alone_and_an_unknown_key_are_errors()
    {
        foreach (var wrong in new[] { Raw.Text("tcp_full"), Raw.Map(Raw.Entry("types", "tcp")) })
            Assert.True(ConfigValidation
                .Validate(Raw.Map(Raw.Entry("health_check", wrong), Backends()), HostFacts.Unknown).Config.IsNone);
    }

    [Fact]
    public void A_change_of_it_is_in_the_diff_of_a_reload()
    {
        var before = Valid(Raw.Map(Backends()));
        var after = Valid(Raw.Map(Check("tcp_full"), Backends()));

        Assert.Equal(
            "health_check type: tcp -> type: tcp_full",
            Assert.Single(SettingChanges.Between(before, after)).ToText());
    }

    /// <summary>0.1.0 would go on with its own check and say nothing.</summary>
    [Fact]
    public void It_may_not_be_ignored_by_0_1_0_where_it_is_in_use()
    {
        Assert.Equal(new[] { "health_check" }, FirstRelease.Ignores(Valid(Raw.Map(Check("tcp_full"), Backends()))));
        Assert.Empty(FirstRelease.Ignores(Valid(Raw.Map(Check("tcp"), Backends()))));
        var own = Raw.Map(Raw.Entry("host", "10.0.0.2"), Raw.Entry("port", Raw.Number(2)), Check("tcp"));
        Assert.Equal(
            new[] { "health_check" }, FirstRelease.Ignores(Valid(Raw.Map(Raw.Entry("backends", Raw.List(own))))));
    }

    [Fact]
    public void Every_key_of_a_check_that_asks_is_read_and_printed_without_what_is_sent()
    {
        var exchange = Exchange(
            Raw.Map(Raw.Entry("send", "AUTH x\\r\\n"), Raw.Entry("expect_start", Raw.Number(220))),
            Raw.Map(Raw.Entry("send_hex", "01 02"), Raw.Entry("expect_hex", "00ff")),
            Raw.Map(Raw.Entry("send_file", "secret"), Raw.Entry("expect_start_hex", "0a")));
        var steps = Valid(Raw.Map(exchange, Backends())).Main.HealthCheck.Exchange;
        Assert.Equal(new[] { 8, 2, 0 }, steps.Map(step => step.Send.Map(send => send.Length).IfNone(-1)));
        Assert.Equal(new[] { "220", "\\x00\\xff", "\\n" }, steps.Map(step => step.Expect.Map(o => $"{o}").IfNone("")));
        Assert.Equal(new[] { true, false, true }, steps.Map(step => step.AtStart));

        var http = Raw.Entry("health_check", Raw.Map(
            Raw.Entry("type", "http"), Raw.Entry("port", Raw.Number(8008)), Raw.Entry("path", "/a?token=geheim"),
            Raw.Entry("method", "HEAD"), Raw.Entry("host", "db:1"), Raw.Entry("status", Raw.List(Raw.Number(204)))));
        var yaml = ConfigPrinter.ToYaml(Valid(Raw.Map(http, Backends())))
            + ConfigPrinter.ToYaml(Valid(Raw.Map(exchange, Backends())));
        foreach (var part in new[]
        {
            "send: \"(8 bytes)\"", "send: \"(2 bytes)\"", "send_file: \"secret\"", "expect_start: \"220\"",
            "path: \"/a?(12 bytes)\"", "method: HEAD", "host: \"db:1\"", "- 204", "port: 8008",
        })
            Assert.Contains(part, yaml, StringComparison.Ordinal);
        Assert.DoesNotContain("geheim", yaml, StringComparison.Ordinal);
        Assert.DoesNotContain("AUTH", yaml, StringComparison.Ordinal);
    }

    /// <summary>Whoever starts bal with what bal has printed would send that to the backend.</summary>
    [Theory]
    [InlineData("send", "(23 bytes)", "hidden_text")]
    [InlineData("send", "geheim\\q", "invalid_text")]
    [InlineData("send_hex", "geheim", "invalid_text")]
    [InlineData("send", "", "invalid_text")]
    [InlineData("send_file", "AUTH geheim\r\n", "invalid_path")]
    public void What_is_to_be_sent_is_not_quoted_where_it_is_wrong(string key, string value, string code)
    {
        var findings = Findings(Exchange(Raw.Map(Raw.Entry(key, value))));
        var finding = Assert.Single(findings);
        Assert.Equal(code, finding.Code);
        Assert.DoesNotContain("geheim", finding.Message + finding.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_password_in_the_wrong_place_is_not_quoted_either()
    {
        var misplaced = new[]
        {
            Exchange(Raw.Text("AUTH geheim")),
            Raw.Entry("health_check", Raw.Map(
                Raw.Entry("type", "exchange"), Raw.Entry("exchange", "AUTH geheim"))),
        };
        foreach (var finding in misplaced.Select(check => Assert.Single(Findings(check))))
        {
            Assert.Equal("wrong_type", finding.Code);
            Assert.DoesNotContain("geheim", finding.Message + finding.Hint, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Keys_that_contradict_each_other_or_the_type_are_errors()
    {
        Assert.Equal("contradicting_keys", Code(Exchange(Raw.Map(
            Raw.Entry("send", "a"), Raw.Entry("send_hex", "00"), Raw.Entry("expect", "b")))));
        Assert.Equal("empty_step", Code(Exchange(Raw.Map())));
        Assert.Equal("missing_key", Code(Check("exchange")));
        Assert.Equal("key_without_effect", Code(Raw.Entry("health_check", Raw.Map(Raw.Entry("path", "/")))));
        Assert.Equal("invalid_text", Code(Raw.Entry("health_check", Raw.Map(
            Raw.Entry("type", "http"), Raw.Entry("path", "no path")))));
        Assert.Equal("out_of_range", Code(Raw.Entry("health_check", Raw.Map(
            Raw.Entry("type", "http"), Raw.Entry("status", Raw.Number(100))))));
        Assert.Equal("invalid_escape", Code(Exchange(Raw.Map(Raw.Entry("expect", "\\")))));
    }

    private static string Code(RawEntry check) => Assert.Single(Findings(check)).Code;

    private static Arr<Finding> Findings(RawEntry check) => ConfigValidation
        .Validate(Raw.Map(check, Backends()), HostFacts.Unknown).Findings
        .Filter(finding => finding.Severity == Severity.Error);

    private static RawEntry Exchange(params RawNode[] steps) => Raw.Entry("health_check", Raw.Map(
        Raw.Entry("type", "exchange"), Raw.Entry("exchange", Raw.List(steps))));

    private static RawEntry Check(string type) => Raw.Entry("health_check", Raw.Map(Raw.Entry("type", type)));

    private static RawEntry Backends() => Raw.Entry("backends", Raw.List(Raw.Text("10.0.0.1:1")));

    private static BalConfig Valid(RawNode document) => ConfigValidation.Validate(document, HostFacts.Unknown)
        .Config.Match(config => config, () => throw new InvalidOperationException("it is not valid"));
}
