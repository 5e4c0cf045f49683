using Bal.Domain.Config;
using Bal.Domain.Messages;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Config;

/// <summary>What holds for every document.</summary>
[Properties(Arbitrary = [typeof(Trees)], MaxTest = 300)]
public class ConfigValidationSpecs
{
    [Property]
    public void Any_tree_gives_a_configuration_or_an_error_and_never_both(RawNode tree)
    {
        var outcome = ConfigValidation.Validate(tree, HostFacts.Unknown);

        Assert.Equal(outcome.Config.IsNone, outcome.Findings.Any(f => f.Severity == Severity.Error));
        Assert.InRange(outcome.Findings.Count, 0, 101);
    }

    [Property]
    public void Findings_come_in_the_order_of_the_file_and_say_what_to_do(RawNode tree)
    {
        var findings = ConfigValidation.Validate(tree, HostFacts.Unknown).Findings;

        Assert.Equal(findings.Select(f => f.At), findings.Select(f => f.At).OrderBy(p => p.Line).ThenBy(p => p.Column));
        Assert.All(findings, finding =>
        {
            Assert.NotEqual("", finding.Code);
            Assert.NotEqual("", finding.Hint);
            Assert.DoesNotContain(finding.Message + finding.Hint, char.IsControl);
            Assert.InRange(finding.Message.Length, 10, 500);
        });
    }

    [Property]
    public void A_configuration_survives_being_printed_and_validated(BalConfig config) =>
        Assert.Equal(config, ConfigValidation.Validate(ConfigPrinter.ToRaw(config), HostFacts.Unknown).Config);

    [Property]
    public Property Independent_faults_are_all_reported_each_at_its_own_place()
    {
        var names = Faults.Keys.ToArray();
        return Prop.ForAll(Gen.SubListOf(names).ToArbitrary(), chosen =>
        {
            var draft = Draft.Valid(backends: 3);
            var places = chosen.Select(name => Faults[name](draft)).ToList();

            var errors = draft.Validate().Findings.Where(f => f.Severity == Severity.Error).ToList();

            Assert.Equal(places.OrderBy(p => p.Line), errors.Select(f => f.At).OrderBy(p => p.Line));
        });
    }

    /// <summary>Faults that have nothing to do with each other: what is spoilt, and the place where it shows.</summary>
    private static readonly Dictionary<string, Func<Draft, SourcePosition>> Faults = new()
    {
        ["mode unknown"] = d => d.Add(d.Top, "mode", "expert"),
        ["port too high"] = d => d.Add(d.Top, "port", "65536"),
        ["bind_address with a port"] = d => d.Add(d.Top, "bind_address", "10.0.0.1:9295"),
        ["method unknown"] = d => d.Add(d.Top, "method", "random"),
        ["log_level a list"] = d => d.Add(d.Top, "log_level", d.Sequence()),
        ["unknown key"] = d => AddKey(d, d.Top, "backend"),
        ["key that is a list"] = d => AddNode(d, d.Top, d.Sequence()),
        ["backend without port in short"] = d => AddItem(d, d.Scalar("10.9.9.9")),
        ["backend without port"] = d => AddItem(d, d.Mapping(d.Entry("host", d.Scalar("10.9.9.8")))),
        ["backend without host"] = d => AddItem(d, d.Mapping(d.Entry("port", d.Scalar("80")))),
        ["backend repeated"] = d => d.AddBackend("10.0.0.1", "9000"),
        ["interval zero"] = d => d.Add(d.Runtime, "health_check_interval_ms", "0"),
        ["timeout with a unit"] = d => d.Add(d.Runtime, "health_check_timeout_ms", "800ms"),
        ["threshold negative"] = d => d.Add(d.Runtime, "health_check_fail_threshold", "-1"),
        ["threshold empty"] = d => d.Add(d.Runtime, "health_check_success_threshold", ""),
        ["maximum below the auto-tuned initial"] = d => d.Add(d.Runtime, "failover_backoff_max_ms", "1"),
        ["connections with a separator"] = d => d.Add(d.Runtime, "max_concurrent_connections", "4_000"),
        ["backlog huge"] = d => d.Add(d.Runtime, "tcp_backlog", "99999999999999999999"),
        ["overload policy unknown"] = d => d.Add(d.Runtime, "overload_policy", "queue"),
        ["threads zero"] = d => d.Add(d.Runtime, "threads", "0"),
        ["unknown runtime key"] = d => AddKey(d, d.Runtime, "max_connections"),
    };

    private static SourcePosition AddKey(Draft draft, List<RawEntry> to, string key) => AddNode(draft, to,
        draft.Scalar(key));

    private static SourcePosition AddNode(Draft draft, List<RawEntry> to, RawNode key)
    {
        to.Add(new RawEntry(key, draft.Scalar("1")));
        return key.At;
    }

    private static SourcePosition AddItem(Draft draft, RawNode backend)
    {
        draft.Backends.Add(backend);
        return backend.At;
    }
}
