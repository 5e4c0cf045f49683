using System.Net;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Config;

/// <summary>The addresses that connects come from (docs/behaviour.md, Addresses).</summary>
public class SourceAddressSpecs
{
    private static readonly string[] Sources = ["10.0.0.5", "10.0.0.6", "fd00::5"];

    /// <summary>A service with a name, an IPv4 address and an IPv6 address as backends.</summary>
    [Property]
    public Property A_backend_is_an_error_exactly_where_no_source_has_the_family_of_its_address() => Prop.ForAll(
        Gen.SubListOf(Sources).Where(some => some.Count > 0).ToArbitrary(),
        some =>
        {
            var draft = Draft.Valid(0);
            draft.AddBackend("db.internal", "9000");
            draft.AddBackend("10.0.0.1", "9000");
            draft.AddBackend("fd00::1", "9000");
            draft.Add(draft.Top, "source_addresses", draft.Sequence([.. some.Select(s => draft.Scalar(s))]));

            Assert.Equal(
                new[]
                {
                    some.Exists(s => s.Contains('.')) ? "" : "no_source_address backends[1]",
                    some.Exists(s => s.Contains(':')) ? "" : "no_source_address backends[2]",
                }.Where(expected => expected.Length > 0),
                draft.Validate().Findings.Select(finding => $"{finding.Code} {finding.Path}"));
        });

    [Property]
    public Property Connects_to_an_address_come_from_those_of_its_family_in_their_order() => Prop.ForAll(
        Gen.SubListOf(Sources).ToArbitrary(), Gen.Elements(Configs.Pool).ToArbitrary(), (some, backend) =>
        {
            var service = Configs.Service(Tuning.For(1), backend) with
            {
                SourceAddresses = new Arr<IPAddress>(some.Select(IPAddress.Parse)),
            };
            var expected = some.Count == 0 || backend.IsUnix
                ? ["0.0.0.0"]
                : some.Where(s => backend.Host is Host.Name || s.Contains('.'));
            Assert.Equal(expected, service.SourcesTo(backend).Select(address => address.ToString()));
        });

    [Theory]
    [InlineData("0.0.0.0", "no connection can come from it")]
    [InlineData("::", "no connection can come from it")]
    [InlineData("224.0.0.1", "no connection can come from it")]
    [InlineData("ff02::1", "no connection can come from it")]
    [InlineData("lb1.example.org", "not an IP address")]
    [InlineData("10.0.0.5:80", "it includes a port")]
    public void What_no_connection_can_come_from_is_an_error_in_its_place(string source, string why)
    {
        var finding = Of("10.0.0.5", source).OnlyFinding();

        Assert.Equal(("invalid_source_address", "source_addresses[1]"), (finding.Code, finding.Path));
        Assert.Contains(why, finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_is_listed_once_and_sixteen_are_enough()
    {
        Assert.Equal("duplicate_source_address source_addresses[1]", Told(Of("10.0.0.5", "10.0.0.5").OnlyFinding()));
        var most = Enumerable.Range(1, 17).Select(i => $"10.1.0.{i}").ToArray();
        Assert.Empty(Of(most[..16]).Validate().Findings);
        Assert.Equal("too_many_source_addresses source_addresses", Told(Of(most).OnlyFinding()));
    }

    [Fact]
    public void One_that_this_machine_does_not_have_is_a_warning_and_all_of_127_is_its_own()
    {
        var facts = HostFacts.Unknown with { LocalAddresses = Prelude.Array(IPAddress.Parse("10.0.0.5")) };

        var finding = Of("10.0.0.5", "127.0.0.9", "10.0.0.6").OnlyFinding(facts);

        Assert.Equal("source_address_not_local source_addresses[2]", Told(finding));
        Assert.Equal(Severity.Warning, finding.Severity);
    }

    [Fact]
    public void A_single_address_needs_no_list()
    {
        var draft = Draft.Valid(1);
        draft.Add(draft.Top, "source_addresses", "10.0.0.5");
        Assert.Equal("10.0.0.5", Assert.Single(draft.Config().Services[0].SourceAddresses).ToString());
    }

    private static string Told(Finding finding) => $"{finding.Code} {finding.Path}";

    private static Draft Of(params string[] sources)
    {
        var draft = Draft.Valid(1);
        draft.Add(draft.Top, "source_addresses", draft.Sequence([.. sources.Select(s => draft.Scalar(s))]));
        return draft;
    }
}
