using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Recording;
using Bal.Domain.Reload;
using Bal.Domain.Specs.Control;

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

    private static RawEntry Check(string type) => Raw.Entry("health_check", Raw.Map(Raw.Entry("type", type)));

    private static RawEntry Backends() => Raw.Entry("backends", Raw.List(Raw.Text("10.0.0.1:1")));

    private static BalConfig Valid(RawNode document) => ConfigValidation.Validate(document, HostFacts.Unknown)
        .Config.Match(config => config, () => throw new InvalidOperationException("it is not valid"));
}
