using System.Net;
using Bal.Domain.Admission;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Specs.Config;

/// <summary>What is accepted and pointed out.</summary>
public class ConfigWarningSpecs
{
    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    [InlineData("[::]")]
    [InlineData("0:0:0:0:0:0:0:0")]
    public void Listening_on_every_interface_is_pointed_out_where_it_is_written(string address)
    {
        var draft = Draft.Valid();
        var at = draft.Add(draft.Top, "bind_address", address);

        Expect("listens_on_every_interface", at, draft.OnlyFinding());
    }

    [Fact]
    public void Listening_on_every_interface_by_default_is_pointed_out_as_well()
    {
        var draft = new Draft();
        draft.AddBackend("10.0.0.1", "9000");

        var finding = draft.OnlyFinding();

        Assert.Equal("listens_on_every_interface", finding.Code);
        Assert.Contains("(the default)", finding.Message);
    }

    [Fact]
    public void A_health_timeout_longer_than_the_interval_is_pointed_out_where_the_file_sets_either()
    {
        var timeout = Draft.Valid();
        var interval = Draft.Valid();
        var timeoutAt = timeout.Add(timeout.Runtime, "health_check_timeout_ms", "501");
        var intervalAt = interval.Add(interval.Runtime, "health_check_interval_ms", "799");

        Expect("health_timeout_exceeds_interval", timeoutAt, timeout.OnlyFinding());
        Expect("health_timeout_exceeds_interval", intervalAt, interval.OnlyFinding());
    }

    [Fact]
    public void A_service_of_backups_alone_is_pointed_out()
    {
        var draft = Draft.Valid(0);
        var first = AddBackup(draft, 1);

        Expect("only_backups", first, draft.OnlyFinding());
        draft.AddBackend("10.0.0.2", "9000");
        Assert.Empty(draft.Validate().Findings);
        Assert.Equal([true, false], draft.Config().Main.Backends.Map(b => b.Backup).AsEnumerable());
    }

    [Fact]
    public void That_on_primary_up_has_no_effect_without_a_backup_is_pointed_out()
    {
        var draft = Draft.Valid();
        var at = draft.Add(draft.Top, "on_primary_up", "reset");

        Expect("no_backups", at, draft.OnlyFinding());
        AddBackup(draft, 9);
        Assert.Empty(draft.Validate().Findings);
    }

    private static SourcePosition AddBackup(Draft draft, int host)
    {
        var backend = draft.Mapping(
            draft.Entry("host", draft.Scalar($"10.0.0.{host}", quoted: true)),
            draft.Entry("port", draft.Scalar("9000")),
            draft.Entry("backup", draft.Scalar("true")));
        draft.Backends.Add(backend);
        return backend.At;
    }

    [Fact]
    public void A_health_timeout_as_long_as_the_interval_is_no_warning()
    {
        var draft = Draft.Valid();
        draft.Add(draft.Runtime, "health_check_timeout_ms", "500");

        Assert.Empty(draft.Validate().Findings);
    }

    [Fact]
    public void The_auto_tuned_health_timeout_is_no_warning()
    {
        var draft = Draft.Valid();
        draft.Add(draft.Runtime, "tcp_backlog", "10");

        Assert.Empty(Draft.Valid().Validate().Findings);
        Assert.Empty(draft.Validate().Findings);
    }

    [Theory]
    [InlineData("source_hash", "1000", true)]
    [InlineData("source_hash", "0", false)]
    [InlineData("least_connections", "1000", false)]
    public void A_slow_start_without_effect_is_pointed_out(string method, string value, bool warned)
    {
        var draft = Draft.Valid();
        draft.Add(draft.Top, "method", method);
        var at = draft.Add(draft.Runtime, "slow_start_ms", value);

        Assert.Equal(
            warned, draft.Validate().Findings.Exists(f => f.At == at && f.Code == "slow_start_without_effect"));
    }

    [Theory]
    [InlineData("0", "0", true)]
    [InlineData("0", "1", false)]
    [InlineData("1", "0", false)]
    public void A_service_without_any_weight_is_pointed_out(string one, string two, bool warned)
    {
        var draft = Draft.Valid(backends: 0);
        foreach (var (weight, i) in new[] { one, two }.Select((weight, i) => (weight, i)))
        {
            draft.Backends.Add(draft.Mapping(
                draft.Entry("host", draft.Scalar($"10.0.0.{i + 1}")), draft.Entry("port", draft.Scalar("9000")),
                draft.Entry("weight", draft.Scalar(weight))));
        }

        Assert.Equal(warned, draft.Validate().Findings.Exists(f => f.Code == "no_backend_has_weight"));
    }

    [Fact]
    public void Mode_simple_together_with_runtime_is_pointed_out()
    {
        var draft = Draft.Valid();
        draft.Add(draft.Runtime, "tcp_backlog", "10");
        var at = draft.Add(draft.Top, "mode", "simple");

        Expect("simple_mode_with_runtime", at, draft.OnlyFinding());
        Assert.Equal(10, draft.Config().Services[0].Tuning.Backlog);
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", true)]
    [InlineData("127.0.0.1", "localhost", true)]
    [InlineData("127.0.0.1", "0.0.0.0", true)]
    [InlineData("127.0.0.1", "127.0.0.2", false)]
    [InlineData("127.0.0.1", "::1", false)]
    [InlineData("::1", "localhost", true)]
    [InlineData("localhost", "127.0.0.1", true)]
    [InlineData("proxy.internal", "PROXY.internal.", true)]
    [InlineData("192.0.2.7", "192.0.2.7", true)]
    [InlineData("192.0.2.7", "127.0.0.1", false)]
    [InlineData("0.0.0.0", "127.9.9.9", true)]
    [InlineData("0.0.0.0", "192.0.2.7", true)]
    [InlineData("0.0.0.0", "192.0.2.8", false)]
    [InlineData("0.0.0.0", "::1", false)]
    [InlineData("::", "::1", true)]
    [InlineData("::", "192.0.2.7", true)]
    [InlineData("::", "2001:db8::7", true)]
    [InlineData("::", "2001:db8::8", false)]
    public void A_backend_that_is_bals_own_listener_is_pointed_out(string bind, string backend, bool own)
    {
        var facts = HostFacts.Unknown with
        {
            LocalAddresses = Prelude.Array(IPAddress.Parse("192.0.2.7"), IPAddress.Parse("2001:db8::7")),
        };
        var draft = Draft.Valid();
        draft.Add(draft.Top, "bind_address", bind);
        var samePort = draft.AddBackend(backend, "9295");
        draft.AddBackend(backend, "9296");

        var findings = draft.Validate(facts).Findings.Where(f => f.Code == "backend_is_own_listener").ToList();

        Assert.Equal(own ? [samePort] : [], findings.Select(f => f.At));
    }

    [Theory]
    [InlineData("0.0.0.0", "lb1", true)]
    [InlineData("0.0.0.0", "LB1.example.org", true)]
    [InlineData("::", "lb1.example.org", true)]
    [InlineData("192.0.2.7", "lb1", false)]
    [InlineData("0.0.0.0", "lb1.example.com", false)]
    public void A_backend_that_is_this_machines_own_name_is_pointed_out_where_bal_listens_on_every_address(
        string bind, string backend, bool own)
    {
        var draft = Draft.Valid();
        draft.Add(draft.Top, "bind_address", bind);
        var samePort = draft.AddBackend(backend, "9295");

        var findings = draft.Validate(HostFacts.Unknown with { HostName = "lb1.example.org" }).Findings
            .Where(f => f.Code == "backend_is_own_listener").ToList();

        Assert.Equal(own ? [samePort] : [], findings.Select(f => f.At));
    }

    [Theory]
    [InlineData(8053, true)]
    [InlineData(8054, false)]
    public void A_connection_limit_above_the_hard_descriptor_limit_is_pointed_out(long hard, bool warned)
    {
        var facts = HostFacts.Unknown with { HardDescriptorLimit = Option<long>.Some(hard) };
        var given = Draft.Valid();
        var at = given.Add(given.Runtime, "max_concurrent_connections", "4000");

        var auto = Draft.Valid().Validate(facts).Findings.ToList();

        Assert.Equal(warned ? ["connections_exceed_descriptors"] : [], auto.Select(f => f.Code));
        Assert.Equal(warned ? [at] : [], given.Validate(facts).Findings.ToList().Select(f => f.At));
    }

    [Fact]
    public void A_hard_descriptor_limit_that_prevents_a_start_is_not_said_to_serve_anybody()
    {
        var least = DescriptorBudget.Least(2);

        string Said(long hard) => Draft.Valid().Validate(HostFacts.Unknown with
        {
            HardDescriptorLimit = Option<long>.Some(hard),
            Processors = 2,
        }).Findings[0].Message;

        Assert.Contains($"does not start: it needs {least}", Said(least - 1), StringComparison.Ordinal);
        Assert.Contains("bal serves at most", Said(least), StringComparison.Ordinal);
    }

    [Fact]
    public void Warnings_are_reported_beside_errors()
    {
        var draft = Draft.Valid();
        draft.Add(draft.Top, "bind_address", "::");
        draft.Add(draft.Top, "log_level", "loud");

        Assert.Equal(["invalid_value", "listens_on_every_interface"], draft.Validate().Findings.Select(f =>
            f.Code).Order());
    }

    private static void Expect(string code, SourcePosition at, Finding finding)
    {
        Assert.Equal((Severity.Warning, code, at), (finding.Severity, finding.Code, finding.At));
    }
}
