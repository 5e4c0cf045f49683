using System.Text;
using System.Text.Json;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Recording;
using Bal.Domain.Relay;
using LanguageExt;

namespace Bal.Domain.Specs.Config;

/// <summary>Unix sockets, as backends and to listen on.</summary>
public class UnixSocketSpecs
{
    // Documents are written as JSON with single quotes, without the outer braces.
    private const string Backends = "'backends': [{'unix': '/run/app/a.sock'}, 'unix:/run/app/b.sock']";

    [Fact]
    public void A_backend_is_a_path_in_either_form_and_shown_with_its_prefix()
    {
        var config = Valid("'port': 9000, " + Backends);

        Assert.Equal(
            Prelude.Array("unix:/run/app/a.sock", "unix:/run/app/b.sock"),
            config.Main.Endpoints.Map(e => e.ToString()));
        Assert.All(config.Main.Endpoints, endpoint => Assert.Equal(0, endpoint.Port));
    }

    [Fact]
    public void A_listener_on_a_path_has_no_port_and_a_mode()
    {
        var service = Valid("'bind_address': 'unix:/run/bal/in.sock', 'socket_mode': '0666', " + Backends).Main;

        Assert.Equal("unix:/run/bal/in.sock", service.Listener.ToString());
        Assert.Equal(0, service.Listener.Port);
        Assert.Equal(Convert.ToInt32("666", 8), service.SocketMode);
    }

    [Fact]
    public void A_path_and_an_address_may_stand_side_by_side()
    {
        var service = Valid(
            "'bind_address': ['127.0.0.1', 'unix:/run/bal/in.sock'], 'port': 9000, " + Backends).Main;

        Assert.Equal("127.0.0.1:9000, unix:/run/bal/in.sock", service.Listener.ToString());
        Assert.Equal(Convert.ToInt32("660", 8), service.SocketMode);
    }

    [Theory]
    [InlineData("'bind_address': 'unix:@name'", "invalid_socket_path")]
    [InlineData("'bind_address': 'unix:run/in.sock'", "invalid_socket_path")]
    [InlineData("'bind_address': 'unix:/run/'", "invalid_socket_path")]
    [InlineData("'bind_address': 'unix:/run/in.sock', 'port': 9000", "key_without_effect")]
    [InlineData("'bind_address': 'unix:/run/in.sock', 'socket_mode': '0999'", "invalid_mode")]
    [InlineData("'bind_address': 'unix:/run/in.sock', 'socket_mode': '4755'", "invalid_mode")]
    [InlineData("'bind_address': ['unix:/run/in.sock', 'unix:/run/in.sock']", "listeners_overlap")]
    public void What_cannot_be_listened_on_is_an_error(string text, string code) =>
        HasError($"{text}, {Backends}", code);

    [Theory]
    [InlineData("'unix': 'run/a.sock'", "invalid_socket_path")]
    [InlineData("'unix': '@a'", "invalid_socket_path")]
    [InlineData("'unix': '/run/a.sock', 'port': 80", "key_without_effect")]
    [InlineData("'unix': '/run/a.sock', 'host': 'db'", "key_without_effect")]
    [InlineData("'host': 'unix:/run/a.sock', 'port': 80", "invalid_host")]
    [InlineData("'unix': '/run/a.sock', 'health_check': {'type': 'http', 'port': 80}", "check_port_of_unix")]
    [InlineData("'unix': '/run/a.sock'}, {'unix': '/run/a.sock'", "duplicate_backend")]
    [InlineData("'weight': 2", "missing_key")]
    public void What_is_no_backend_is_an_error(string backend, string code) =>
        HasError("'port': 9000, 'backends': [{" + backend + "}]", code);

    [Fact]
    public void A_path_has_at_most_107_bytes()
    {
        var longest = "/" + new string('a', 106);

        Valid($"'bind_address': 'unix:{longest}', {Backends}");
        HasError($"'bind_address': 'unix:{longest}b', {Backends}", "invalid_socket_path");
        HasError($"'bind_address': 'unix:/{new string('\u00e4', 54)}', {Backends}", "invalid_socket_path");
    }

    [Fact]
    public void A_mode_without_a_socket_is_a_warning_and_a_backend_that_is_its_own_listener_too()
    {
        Assert.Contains(
            Read("'port': 9000, 'socket_mode': '0600', " + Backends).Findings,
            f => f.Code == "key_without_effect" && f.Severity == Severity.Warning);
        Assert.Contains(
            Read("'bind_address': 'unix:/run/app/a.sock', " + Backends).Findings,
            f => f.Code == "backend_is_own_listener");
    }

    [Fact]
    public void Services_under_one_path_agree_on_its_mode()
    {
        const string text = """
            'services': {
              'a': {'bind_address': 'unix:/run/in.sock', 'server_names': ['a.example.org'], 'backends': ['h:1']},
              'b': {'bind_address': 'unix:/run/in.sock', 'socket_mode': '0600', 'backends': ['h:1']}}
            """;

        HasError(text, "listener_keys_differ");
    }

    [Fact]
    public void It_survives_printing_and_a_hand_over_and_0_1_0_is_told_of_it()
    {
        var config = Valid(
            "'bind_address': 'unix:/run/bal/in.sock', 'socket_mode': '0600', " + Backends);
        var text = CanonicalJson.Bytes(CanonicalJson.Config, config);

        Assert.Equal(
            Either<string, BalConfig>.Right(config),
            CanonicalJson.Read(CanonicalJson.Config, text).MapLeft(fault => fault.ToText()));
        Assert.Equal(
            config.Services,
            ConfigValidation.Validate(ConfigPrinter.ToRaw(config), HostFacts.Unknown).Config.Map(c => c.Services)
                .IfNone(Arr<Service>.Empty));
        Assert.Equal(
            ["bind_address", "socket_mode", "unix"],
            FirstRelease.Ignores(config).OrderBy(key => key, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("'allow': ['10.0.0.0/8'], ", false)]
    [InlineData("'allow': ['10.0.0.0/8', 'unix'], ", true)]
    [InlineData("'deny': ['10.0.0.0/8'], ", true)]
    [InlineData("'deny': ['unix'], ", false)]
    public void Lists_name_clients_without_an_address_by_a_word(string lists, bool admitted) =>
        Assert.Equal(admitted, Valid("'port': 9000, " + lists + Backends).Main.Access.AdmitsUnix);

    [Fact]
    public void A_peer_by_a_Unix_socket_is_trusted_by_its_word_alone_and_a_header_calls_it_unknown()
    {
        var peers = Valid(
            "'port': 9000, 'proxy_protocol': {'accept_from': ['unix']}, " + Backends).Main.Proxy.AcceptFrom;
        var header = new byte[ProxyHeader.LongestWritten];
        var length = ProxyHeader.Write(header, ProxyVersion.V1, InetEndpoint.OfUnix, InetEndpoint.OfUnix);

        Assert.True(peers.Covers(InetEndpoint.OfUnix));
        Assert.False(peers.Covers(InetEndpoint.None));
        Assert.False(Valid("'port': 9000, 'proxy_protocol': {'accept_from': ['0.0.0.0/0']}, " + Backends)
            .Main.Proxy.AcceptFrom.Covers(InetEndpoint.OfUnix));
        Assert.Equal("PROXY UNKNOWN\r\n", Encoding.ASCII.GetString(header, 0, length));
        Assert.Equal("unix", InetEndpoint.OfUnix.ToString());
        Assert.Null(InetEndpoint.OfUnix.Hash());
    }

    private static ConfigOutcome Read(string text)
    {
        using var json = JsonDocument.Parse($"{{{text.Replace('\'', '"')}}}");
        return ConfigValidation.Validate(
            Raw.Read(json.RootElement).IfNone(() => throw new FormatException()), HostFacts.Unknown);
    }

    private static BalConfig Valid(string text)
    {
        var outcome = Read(text);
        Assert.DoesNotContain(outcome.Findings, f => f.Severity == Severity.Error);
        return outcome.Config.IfNone(() => throw new FormatException());
    }

    private static void HasError(string text, string code) => Assert.Contains(
        Read(text).Findings, f => f.Code == code && f.Severity == Severity.Error);
}
