using Bal.Domain.Config;
using Bal.Domain.Messages;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Config;

/// <summary>Several services in one file (docs/behaviour.md, Several services).</summary>
[Properties(Arbitrary = [typeof(Trees)], MaxTest = 200)]
public class ServiceSpecs
{
    [Property]
    public void The_short_form_of_a_backend_is_the_long_form(BalConfig config)
    {
        var endpoints = config.Services[0].Endpoints;
        var shortened = Document(
            Raw.Entry("backends", Raw.List([.. endpoints.Select(endpoint => Raw.Text(endpoint.ToString()))])));
        var written = Document(Raw.Entry("backends", Raw.List([.. endpoints.Select(endpoint => Raw.Map(
            Raw.Entry("host", endpoint.Host.ToString()), Raw.Entry("port", Raw.Number(endpoint.Port))))])));

        Assert.True(Validate(shortened).Config.IsSome);
        Assert.Equal(Validate(written).Config, Validate(shortened).Config);
    }

    [Theory]
    [InlineData("10.0.0.1", "invalid_backend", "add the port: \"10.0.0.1:9000\"")]
    [InlineData("http://a:80/x", "invalid_backend", "write the host and the port alone: no scheme, no path")]
    [InlineData("::1", "invalid_backend", "put an IPv6 address in brackets, as in \"[::1]:9000\"")]
    [InlineData("::1:9000", "invalid_backend", "put an IPv6 address in brackets, as in \"[::1]:9000\"")]
    [InlineData("db:http", "invalid_integer",
        "write decimal digits only, without a unit, sign, separator or leading zero")]
    [InlineData("db:0", "out_of_range", "choose a value from 1 to 65535")]
    [InlineData("127.1:80", "invalid_host",
        "write four decimal numbers from 0 to 255 without leading zeros, such as \"10.0.0.1\"")]
    [InlineData(":80", "invalid_backend", "put an IPv6 address in brackets, as in \"[::1]:9000\"")]
    [InlineData("a b", "invalid_backend", "write \"10.0.0.1:9000\", \"[::1]:9000\" or \"db.internal:9000\"")]
    public void A_short_form_that_is_wrong_is_told_how_to_write_it(string text, string code, string hint)
    {
        var finding = Assert.Single(Errors(Document(Raw.Entry("backends", Raw.List(Raw.Text(text))))));

        Assert.Equal((code, "backends[0]", hint), (finding.Code, finding.Path, finding.Hint));
    }

    /// <summary>
    /// What the runtime of the top level sets, every service has that does not set it itself; the rest goes by its own
    /// number of backends.
    /// </summary>
    [Property]
    public void The_runtime_of_the_top_level_is_the_default_of_every_service(
        PositiveInt backlog, PositiveInt own, byte few, byte many)
    {
        var (one, two) = ((few % 12) + 1, (many % 12) + 1);
        var config = Validate(Raw.Map(
            Raw.Entry("runtime", Raw.Map(Raw.Entry("tcp_backlog", Raw.Number(backlog.Get)))),
            Raw.Entry("services", Raw.Map(
                Raw.Entry("a", Raw.Map(Raw.Entry("port", Raw.Number(1)), Backends(one))),
                Raw.Entry("b", Raw.Map(Raw.Entry("port", Raw.Number(2)), Backends(two),
                    Raw.Entry("runtime", Raw.Map(Raw.Entry("tcp_backlog", Raw.Number(own.Get)))))))))).Config;

        Assert.Equal(
            [Tuning.For(one) with { Backlog = backlog.Get }, Tuning.For(two) with { Backlog = own.Get }],
            config.Map(c => c.Services.Map(service => service.Tuning).ToArray()).IfNone([]));
        Assert.True(config.Exists(c => c.Mode == Mode.Advanced));
    }

    [Fact]
    public void The_keys_of_one_service_beside_services_are_one_error_with_the_remedy()
    {
        var finding = Assert.Single(Errors(Raw.Map(
            Raw.Entry("port", Raw.Number(1)), Raw.Entry("method", Raw.Word("round_robin")),
            Raw.Entry("services", Raw.Map(Raw.Entry("a", Raw.Map(Raw.Entry("port", Raw.Number(2)), Backends(1))))))));

        Assert.Equal(("services_beside_keys", "port"), (finding.Code, finding.Path));
        Assert.Contains("port, method", finding.Message);
        Assert.Contains("move these keys under 'services:'", finding.Hint);
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("0-_z", true)]
    [InlineData("", false)]
    [InlineData("-a", false)]
    [InlineData("_a", false)]
    [InlineData("A", false)]
    [InlineData("a.b", false)]
    [InlineData("ä", false)]
    public void A_name_is_lower_case_letters_digits_and_signs_after_the_first(string name, bool valid) =>
        Assert.Equal(valid ? "" : "invalid_name", Code(Named(name)));

    [Theory]
    [InlineData(63, "")]
    [InlineData(64, "invalid_name")]
    public void A_name_has_at_most_63_characters(int length, string code) =>
        Assert.Equal(code, Code(Named(new string('a', length))));

    [Fact]
    public void A_service_without_a_port_a_repeated_one_and_keys_of_the_top_level_are_told_each_by_its_path()
    {
        var service = Raw.Map(Raw.Entry("port", Raw.Number(1)), Backends(1));
        var findings = Errors(Raw.Map(Raw.Entry("services", Raw.Map(
            Raw.Entry("a", service), Raw.Entry("a", service),
            Raw.Entry("b", Raw.Map(Backends(1))),
            Raw.Entry("c", Raw.Map(
                Raw.Entry("port", Raw.Number(2)), Backends(1), Raw.Entry("log_level", Raw.Word("info")),
                Raw.Entry("runtime", Raw.Map(
                    Raw.Entry("threads", Raw.Number(1)), Raw.Entry("relay", Raw.Word("x"))))))))));

        Assert.Equal(
            ["duplicate_key services.a", "invalid_value services.c.runtime.relay", "missing_key services.b.port",
                "unknown_key services.c.log_level", "unknown_key services.c.runtime.threads"],
            findings.Select(f => $"{f.Code} {f.Path}").Order());
        Assert.Equal(
            ["'log_level' belongs at the top level", "'threads' belongs under 'runtime:' at the top level"],
            findings.Where(f => f.Code == "unknown_key").Select(f => f.Hint).Order());
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.1", true)]
    [InlineData("10.0.0.1", "10.0.0.2", false)]
    [InlineData("10.0.0.1", "0.0.0.0", true)]
    [InlineData("0.0.0.0", "10.0.0.1", true)]
    [InlineData("::", "10.0.0.1", true)]
    [InlineData("10.0.0.1", "::", true)]
    [InlineData("::", "::1", true)]
    [InlineData("::", "0.0.0.0", true)]
    [InlineData("0.0.0.0", "::1", false)]
    [InlineData("db", "DB.", true)]
    [InlineData("db", "0.0.0.0", false)]
    public void Two_services_do_not_listen_where_the_same_client_would_arrive(string one, string other, bool overlap)
    {
        Assert.Equal(overlap ? "listeners_overlap" : "", Code(On(one, 80, other, 80)));
        Assert.Equal("", Code(On(one, 80, other, 81)));
    }

    [Theory]
    [InlineData("0.0.0.0 ::", "")]
    [InlineData(":: 0.0.0.0", "")]
    [InlineData("127.0.0.1 ::1", "")]
    [InlineData("127.0.0.1 ::", "bind_address[1]")]
    [InlineData("0.0.0.0 127.0.0.1", "bind_address[1]")]
    [InlineData("0.0.0.0 :: ::1", "bind_address[2]")]
    [InlineData("::1 ::1", "bind_address[1]")]
    public void In_a_list_only_the_two_unspecified_addresses_may_stand_together(string addresses, string path)
    {
        var findings = Errors(Document(Backends(1), Raw.Entry("bind_address", Raw.List(
            [.. addresses.Split(' ').Select(Raw.Text)]))));

        Assert.Equal(path, string.Join(' ', findings.Select(f => f.Path)));
    }

    [Fact]
    public void IPv6_alone_is_meant_only_beside_the_unspecified_address_of_IPv4()
    {
        Assert.True(ListenerOf("0.0.0.0", "::").IPv6Only);
        Assert.False(ListenerOf("::").IPv6Only);
        Assert.False(ListenerOf("127.0.0.1", "::1").IPv6Only);
    }

    [Fact]
    public void A_backend_that_is_the_listener_of_another_service_is_pointed_out()
    {
        var findings = Validate(Raw.Map(Raw.Entry("services", Raw.Map(
            Raw.Entry("a", Raw.Map(
                Raw.Entry("port", Raw.Number(1)), Raw.Entry("bind_address", "127.0.0.1"), Backends(1))),
            Raw.Entry("b", Raw.Map(
                Raw.Entry("port", Raw.Number(2)), Raw.Entry("bind_address", "127.0.0.1"),
                Raw.Entry("backends", Raw.List(Raw.Text("10.0.0.1:1"), Raw.Text("localhost:1"))))))))).Findings;

        Assert.Equal(("backend_is_own_listener", "services.b.backends[1]"),
            (Assert.Single(findings).Code, findings[0].Path));
    }

    [Fact]
    public void Descriptors_are_those_of_all_services_together()
    {
        var facts = HostFacts.Unknown with { HardDescriptorLimit = Option<long>.Some(2 * 8_000) };

        var finding = Assert.Single(ConfigValidation.Validate(On("10.0.0.1", 1, "10.0.0.1", 2), facts).Findings);

        Assert.Equal(("connections_exceed_descriptors", "services"), (finding.Code, finding.Path));
        Assert.Contains("of 2 services is 8000 in all", finding.Message);
    }

    [Property]
    public Property Every_fault_of_every_service_is_reported() => Prop.ForAll(
        Gen.Choose(0, Spoilt.Length - 1).ListOf(8).ToArbitrary(), chosen =>
        {
            var findings = Errors(Raw.Map(Raw.Entry("services", Raw.Map([.. chosen.Select((fault, i) => Raw.Entry(
                $"s{i}", Raw.Map([Raw.Entry("port", Raw.Number(i + 1)), .. Spoilt[fault].Instead is { } backends
                    ? new[] { backends } : [Backends(1)], .. Spoilt[fault].Entries])))]))));

            Assert.Equal(
                chosen.Select((fault, i) => $"services.s{i}.{Spoilt[fault].Path}").Order(),
                findings.Select(f => f.Path).Order());
        });

    [Fact]
    public void Two_thousand_services_with_twenty_thousand_backends_are_read_and_one_more_is_one_error()
    {
        Assert.Equal("", Code(Many(2_000, 10)));
        Assert.Equal("", Code(Document(Backends(20_000))));
        Assert.Equal("too_many_backends", Code(Document(Backends(20_001))));
        Assert.Equal("too_many_services", Code(Many(2_001, 1)));
    }

    /// <summary>Ten times as many services take ten times the memory, as nobody shares this thread.</summary>
    [Fact]
    public void The_cost_of_reading_grows_with_the_file_and_not_with_its_square()
    {
        var (few, many) = (Many(200, 10), Many(2_000, 10));
        Validate(few);

        Assert.InRange(Allocated(many), 0, 15 * Allocated(few));

        static long Allocated(RawNode document)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Validate(document);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    private sealed record Fault(string Path, RawEntry[] Entries, RawEntry? Instead = null);

    private static readonly Fault[] Spoilt =
    [
        new("metod", [Raw.Entry("metod", "x")]),
        new("method", [Raw.Entry("method", "fastest")]),
        new("bind_address", [Raw.Entry("bind_address", "127.1")]),
        new("backends", [], Raw.Entry("backends", Raw.Null)),
        new("backends[0]", [], Raw.Entry("backends", Raw.List(Raw.Text("db")))),
        new("runtime.tcp_backlog", [Raw.Entry("runtime", Raw.Map(Raw.Entry("tcp_backlog", "many")))]),
        new("runtime.failover_backoff_max_ms",
            [Raw.Entry("runtime", Raw.Map(Raw.Entry("failover_backoff_max_ms", Raw.Number(1))))]),
    ];

    private static RawEntry Backends(int count) => Raw.Entry("backends", Raw.List(
        [.. Enumerable.Range(0, count).Select(i => Raw.Text($"10.{i >> 16}.{(i >> 8) & 255}.{i & 255}:9000"))]));

    private static RawNode Many(int services, int backends) => Raw.Map(Raw.Entry("services", Raw.Map(
        [.. Enumerable.Range(1, services).Select(i => Raw.Entry($"s{i}", Raw.Map(
            Raw.Entry("port", Raw.Number(9_000)), Raw.Entry("bind_address", $"10.9.{i >> 8}.{i & 255}"),
            Backends(backends))))])));

    private static RawNode On(string one, int port, string other, int otherPort) =>
        Raw.Map(Raw.Entry("services", Raw.Map(
            Raw.Entry("a", Raw.Map(
                Raw.Entry("bind_address", one), Raw.Entry("port", Raw.Number(port)), Backends(1))),
            Raw.Entry("b", Raw.Map(
                Raw.Entry("bind_address", other), Raw.Entry("port", Raw.Number(otherPort)), Backends(1))))));

    private static Listener ListenerOf(params string[] addresses) => Validate(Document(
        Backends(1), Raw.Entry("bind_address", Raw.List([.. addresses.Select(Raw.Text)]))))
        .Config.Map(c => c.Services[0].Listener).IfNone(() => throw new InvalidOperationException());

    private static RawNode Named(string name) => Raw.Map(Raw.Entry("services", Raw.Map(
        Raw.Entry(name, Raw.Map(Raw.Entry("port", Raw.Number(1)), Backends(1))))));

    private static RawNode Document(params RawEntry[] entries) => Raw.Map(entries);

    private static ConfigOutcome Validate(RawNode document) => ConfigValidation.Validate(document, HostFacts.Unknown);

    private static List<Finding> Errors(RawNode document) =>
        [.. Validate(document).Findings.Where(f => f.Severity == Severity.Error)];

    private static string Code(RawNode document) => string.Join(' ', Errors(document).Select(f => f.Code));
}
