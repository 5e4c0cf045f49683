using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Relay;
using Bal.Domain.Reload;
using Bal.Domain.Specs.Generators;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Config;

/// <summary>Several services on one address (docs/behaviour.md, Names in TLS).</summary>
[Properties(Arbitrary = [typeof(SharedAddressSpecs)], MaxTest = 500)]
public class SharedAddressSpecs
{
    /// <summary>Services that often have no names, the same name, or another backlog.</summary>
    public static Arbitrary<Service[]> Services() => (
        from count in Gen.Choose(1, 5)
        from services in Gen.ArrayOf(
            from names in Gen.Frequency(
                (2, Gen.Constant(System.Array.Empty<string>())),
                (5, Gen.ArrayOf(Gen.Elements("a.test", "b.test", "*.test", "c.test", "d.test"), 2)))
            from backlog in Gen.Frequency((6, Gen.Constant(1_024)), (1, Gen.Constant(1)))
            from freebind in Gen.Frequency((6, Gen.Constant(false)), (1, Gen.Constant(true)))
            select Configs.Service(Tuning.For(1) with { Backlog = backlog }, Configs.Pool[0]) with
            {
                ServerNames = new Arr<ServerName>(names.Distinct().Select(NameOf)),
                Freebind = freebind,
            }, count)
        select services.Select((service, i) => service with { Name = $"s{i}" }).ToArray()).ToArbitrary();

    [Property]
    public void They_share_it_exactly_if_at_most_one_has_no_names_no_name_is_twice_and_they_agree(Service[] services)
    {
        var address = new SharedAddress<Service>(service => service);
        var conflicts = services.SelectMany(service => address.Join(service).Map(at => (
            Kind: at.Key.Match(() => "no names", differs => differs.Key, name => $"{name}"),
            One: service.Name, Other: at.Value.Name))).ToList();

        var expected = services.SelectMany((service, i) => services.Take(i).SelectMany(earlier => new[]
        {
            service.ServerNames.IsEmpty && earlier.ServerNames.IsEmpty
                && services.First(s => s.ServerNames.IsEmpty) == earlier ? "no names" : "",
            service.Tuning.Backlog != earlier.Tuning.Backlog && earlier == services[0] ? "tcp_backlog" : "",
            service.Freebind != earlier.Freebind && earlier == services[0] ? "freebind" : "",
        }.Concat(service.ServerNames.Where(name => services.First(s => s.ServerNames.Contains(name)) == earlier)
            .Select(name => $"{name}")).Where(kind => kind.Length > 0)
            .Select(kind => (Kind: kind, One: service.Name, Other: earlier.Name))));
        Assert.Equal(expected.Order(), conflicts.Order());
    }

    [Property]
    public void Until_a_client_has_said_what_it_wants_it_is_that_of_the_one_without_names_else_of_the_first(
        Service[] services)
    {
        var address = new SharedAddress<Service>(service => service);
        foreach (var service in services)
            address.Join(service);

        var nameless = services.FirstOrDefault(service => service.ServerNames.IsEmpty);
        Assert.Equal(nameless ?? services[0], address.Owner);
        Assert.Equal(Prelude.Optional(nameless), address.Nameless);
        Assert.Equal(services, address.Members);
    }

    [Fact]
    public void A_file_with_three_services_on_one_address_is_valid()
    {
        var outcome = Validate(
            Service("web", Names("www.example.org", "example.org")), Service("api", Names("*.api.example.org")),
            Service("rest"));

        Assert.Empty(outcome.Findings);
        Assert.Equal(
            ["www.example.org example.org", "*.api.example.org", ""],
            outcome.Config.Map(c => c.Services.Map(s => string.Join(' ', s.ServerNames)).ToArray()).IfNone([]));
        // One listening socket a loop.
        Assert.Equal(1, outcome.Config.Map(c => c.Addresses.Count).IfNone(0));
    }

    [Fact]
    public void Two_services_without_names_on_one_address_overlap_and_are_told_of_names()
    {
        var finding = Assert.Single(Errors(Service("web", Names("a.test")), Service("one"), Service("other")));

        Assert.Equal(("listeners_overlap", "services.other.bind_address"), (finding.Code, finding.Path));
        Assert.StartsWith("services.other.bind_address: 127.0.0.1:443 is already the address of services.one (line ",
            finding.Message, StringComparison.Ordinal);
        Assert.Contains("'server_names'", finding.Hint);
    }

    [Fact]
    public void A_difference_in_what_the_address_has_once_names_both_lines()
    {
        var backlog = Raw.Entry("runtime", Raw.Map(Raw.Entry("tcp_backlog", Number(7, "512"))));
        var finding = Assert.Single(Errors(Service("web", Names("a.test")), Service("api", Names("b.test"), backlog)));

        Assert.Equal(("listener_keys_differ", "services.api.runtime.tcp_backlog", 7),
            (finding.Code, finding.Path, finding.At.Line));
        Assert.Equal(
            "services.api.runtime.tcp_backlog is 512, and services.web.runtime.tcp_backlog is 1024 (the default) (line "
                + "1): both services listen on 127.0.0.1:443, which has one value for both",
            finding.Message);

        var other = Raw.Entry("runtime", Raw.Map(Raw.Entry("tcp_backlog", Number(3, "64"))));
        Assert.Contains("tcp_backlog is 64 (line 3)",
            Assert.Single(Errors(Service("web", other), Service("api", Names("b.test"), backlog))).Message);

        var proxy = Raw.Entry("proxy_protocol", Raw.Map(Raw.Entry("accept_from", Raw.List(Raw.Text("10.0.0.1")))));
        Assert.StartsWith(
            "services.rest.proxy_protocol.accept_from is unset (the default), and services.web.proxy_protocol."
                + "accept_from is 10.0.0.1 (line 1): both",
            Assert.Single(Errors(Service("web", Names("a.test"), proxy), Service("rest"))).Message,
            StringComparison.Ordinal);
        var freebind = Raw.Entry("freebind", new RawNode.Scalar(new SourcePosition(9, 5), "true", quoted: false));
        var differs = Assert.Single(Errors(Service("web", Names("a.test"), freebind), Service("rest")));
        Assert.StartsWith(
            "services.rest.freebind is false (the default), and services.web.freebind is true (line 9): both services",
            differs.Message, StringComparison.Ordinal);
        Assert.Equal("listener_keys_differ", differs.Code);
        // What each of them sends is its own.
        var send = Raw.Entry("proxy_protocol", Raw.Map(Raw.Entry("send", "v2")));
        Assert.Empty(Errors(Service("web", Names("a.test"), send), Service("rest")));
    }

    [Fact]
    public void A_name_in_two_services_of_an_address_is_an_error_and_of_two_addresses_is_not()
    {
        var finding = Assert.Single(Errors(
            Service("web", Names("a.test", "WWW.Example.org.")), Service("api", Names("b.test", "www.example.org"))));

        Assert.Equal(("server_name_taken", "services.api.server_names[1]"), (finding.Code, finding.Path));
        Assert.Contains("www.example.org is already a name of services.web (line 1)", finding.Message);
        Assert.Empty(Errors(
            Service("web", Names("a.test")), Service("api", Names("a.test"), Raw.Entry("port", Raw.Number(444)))));
        // A wildcard is another name than what it covers.
        Assert.Empty(Errors(Service("web", Names("a.test")), Service("api", Names("*.test"))));
    }

    [Fact]
    public void An_address_that_another_one_covers_is_not_shared()
    {
        var finding = Assert.Single(Errors(
            Service("web", Names("a.test")),
            Service("api", Names("b.test"), Raw.Entry("bind_address", "0.0.0.0"))));

        Assert.Equal("listeners_overlap", finding.Code);
        Assert.DoesNotContain("server_names", finding.Hint);
    }

    [Fact]
    public void Services_may_have_some_of_their_addresses_in_common()
    {
        var both = Raw.Entry("bind_address", Raw.List(Raw.Text("127.0.0.1"), Raw.Text("127.0.0.2")));
        var second = Raw.Entry("bind_address", "127.0.0.2");

        Assert.Empty(Errors(Service("one"), Service("web", Names("a.test"), both), Service("two", second)));
        Assert.Equal(
            ["services.web.bind_address[0]", "services.web.bind_address[1]"],
            Errors(Service("one", both), Service("web", both)).Select(finding => finding.Path));
        // Their names are told once, however many addresses they share.
        Assert.Equal("server_name_taken", Assert.Single(
            Errors(Service("one", Names("a.test"), both), Service("web", Names("a.test"), both))).Code);
    }

    [Theory]
    [InlineData("192.0.2.1", "it is an address")]
    [InlineData("::1", "it is an address")]
    [InlineData("w*.example.org", "'*' stands for exactly one whole label")]
    [InlineData("*", "'*' stands for exactly one whole label")]
    [InlineData("*.", "'*' stands for exactly one whole label")]
    [InlineData("*.*.example.org", "'*' stands for exactly one whole label")]
    [InlineData("https://www.example.org/", "it is a URL")]
    [InlineData("www.example.org:443", "it includes a port")]
    [InlineData("a..b", "it has an empty label")]
    public void What_no_client_could_ask_for_is_no_name(string name, string why)
    {
        var finding = Assert.Single(Errors(Service("web", Names("a.test", name))));

        Assert.Equal(("invalid_server_name", "services.web.server_names[1]"), (finding.Code, finding.Path));
        Assert.Contains(why, finding.Message);
    }

    [Fact]
    public void A_name_is_listed_once()
    {
        var finding = Assert.Single(Errors(Service("web", Names("a.test", "A.test."))));

        Assert.Equal(("duplicate_server_name", "services.web.server_names[1]"), (finding.Code, finding.Path));
        Assert.Contains("a.test is already listed as services.web.server_names[0]", finding.Message);
    }

    [Fact]
    public void Thousands_of_services_on_one_address_are_read()
    {
        var findings = Errors([.. Enumerable.Range(0, 2_000).Select(i => Service($"s{i}", Names($"s{i}.test")))]);

        Assert.Empty(findings);
    }

    [Fact]
    public void A_service_that_gets_another_name_is_known_by_its_address_and_the_names_of_its_clients()
    {
        var (web, api, rest) = (Of("web", "a.test"), Of("api", "b.test"), Of("rest"));
        Assert.Equal("(www, web) (api, api) (rest, rest)", Before([Of("www", "a.test"), api, rest]));
        Assert.Equal("(two, rest) (one, web)", Before([Of("two"), Of("one", "a.test")]));
        // Another one in its place is another one.
        Assert.Equal("(api, api)", Before([Of("www", "c.test"), api]));
        // A name may move from one to the other.
        Assert.Equal("(web, web) (api, api)", Before([Of("web", "b.test"), Of("api", "a.test")]));

        string Before(Service[] after) => string.Join(' ', ServiceNames
            .Before(Prelude.Array(web, api, rest), new Arr<Service>(after)).OrderBy(pair => System.Array.FindIndex(
                after, service => service.Name == pair.Key)).Select(pair => $"({pair.Key}, {pair.Value})"));

        static Service Of(string name, params string[] names) => Configs.Service(Tuning.For(1), Configs.Pool[0]) with
        {
            Name = name,
            ServerNames = new Arr<ServerName>(names.Select(NameOf)),
        };
    }

    private static ServerName NameOf(string name) => name.StartsWith(ServerName.Wildcard, StringComparison.Ordinal)
        ? new(name[2..], true)
        : new(name, false);

    private static RawEntry Names(params string[] names) =>
        Raw.Entry("server_names", Raw.List([.. names.Select(Raw.Text)]));

    private static RawNode Number(int line, string text) =>
        new RawNode.Scalar(new SourcePosition(line, 5), text, quoted: false);

    private static RawEntry Service(string name, params RawEntry[] more)
    {
        RawEntry[] usual =
        [
            Raw.Entry("bind_address", "127.0.0.1"), Raw.Entry("port", Raw.Number(443)),
            Raw.Entry("backends", Raw.List(Raw.Text("10.0.0.1:443"))),
        ];
        var own = more.Select(entry => Raw.ToText(entry.Key)).ToHashSet();
        return Raw.Entry(name, Raw.Map([.. usual.Where(entry => !own.Contains(Raw.ToText(entry.Key))), .. more]));
    }

    private static ConfigOutcome Validate(params RawEntry[] services) => ConfigValidation.Validate(
        Raw.Map(Raw.Entry("services", Raw.Map(services))), HostFacts.Unknown);

    private static Finding[] Errors(params RawEntry[] services) =>
        [.. Validate(services).Findings.Where(finding => finding.Severity == Severity.Error)];
}
