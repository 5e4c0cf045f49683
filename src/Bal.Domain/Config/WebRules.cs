using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Reads and prints <c>web</c>: an address, or a mapping of the address and more.</summary>
internal static class WebRules
{
    private const string Expected = "ADDRESS:PORT or unix:/PATH";
    private static readonly Kind<WebAddress> Listen = new(
        Expected,
        Raw.Map(Raw.Entry("type", "string"), Raw.Entry("minLength", Raw.Number(1))),
        field => ReadAddress(field).Map<object>(address => address),
        address => Raw.Text($"{address}"));

    private static readonly Kind<Arr<Host>> Names = new(
        "a list of names",
        Raw.Map(Raw.Entry("type", "array"), Raw.Entry("items", Kinds.Host.Schema)),
        field => field.Value is RawNode.Sequence list
            ? Checked.Each(field.Items(list), (item, _) => Scalars.Host(item)).Map<object>(hosts => hosts)
            : Checked.Bad<object>(Scalars.WrongKind(field, "a list of names", "write '- lb1.example.org' below it")),
        hosts => ((Arr<Host>)hosts).IsEmpty
            ? Raw.Null
            : Raw.List([.. ((Arr<Host>)hosts).Select(host => Raw.Text($"{host}"))]));

    /// <summary>The keys of the mapping.</summary>
    public static SettingTable<WebConfig> Table { get; } = new(
        Setting.Of<WebConfig, WebAddress>("listen", Listen, [],
            w => w.Listen, (w, v) => w with { Listen = v },
            "Where the page and the metrics are served: an address of this machine with a port, or a Unix socket."),
        Setting.Of<WebConfig, Arr<Host>>("hosts", Names, [Arr<Host>.Empty],
            w => w.Hosts, (w, v) => w with { Hosts = v },
            "Names by which browsers may ask for them. Addresses, `localhost` and this machine's own name always work; "
                + "any other name is refused, since it may be a trick to read them from a foreign page (DNS "
                + "rebinding).") with
        {
            DefaultText = "none",
        });

    private static readonly Kind<WebConfig> Mapping = Kinds.Block(Table, WebConfig.Blank);

    /// <summary>The value of <c>web</c>.</summary>
    public static Kind<Option<WebConfig>> Kind { get; } = new(
        $"{Expected}, or a mapping of listen and hosts",
        Raw.Map(Raw.Entry("oneOf", Raw.List(Listen.Schema, Mapping.Schema))),
        field => field.Value is RawNode.Mapping
            ? ReadMapping(field)
            : ReadAddress(field).Map<object>(
                address => Option<WebConfig>.Some(new WebConfig(address, Arr<Host>.Empty))),
        value => ((Option<WebConfig>)value).Match(
            web => web.Hosts.IsEmpty ? Listen.Print(web.Listen) : Mapping.Print(web), () => Raw.Null));

    // A block without the key that it requires has said so, and is nothing to go on with.
    private static Checked<object> ReadMapping(Field field) => Mapping.Read(field).Then(web =>
        ((WebConfig)web).Listen == WebConfig.Blank.Listen
            ? Checked.None<object>()
            : Checked.Good<object>(Option<WebConfig>.Some((WebConfig)web)));

    private static Checked<WebAddress> ReadAddress(Field field) => Scalars.Text(field, Expected).Then(scalar =>
        scalar.Text.StartsWith(Host.Unix.Prefix, StringComparison.Ordinal)
            ? ReadPath(field, scalar.Text[Host.Unix.Prefix.Length..])
            : HostSyntax.Split(scalar.Text).Match(
                parts => ReadEndpoint(field, scalar, parts.Host, parts.Port),
                () => Bad(field, "write 127.0.0.1:9900, \"[::1]:9900\" or unix:/run/bal/web.sock")));

    private static Checked<WebAddress> ReadPath(Field field, string path) =>
        UnixPaths.Read(path).Match(
            Right: sound => Checked.Good<WebAddress>(new WebAddress.Unix(sound)),
            Left: fault => Bad(field, fault.Hint));

    private static Checked<WebAddress> ReadEndpoint(Field field, RawNode.Scalar scalar, string host, string port) =>
        Kinds.Port.Read(field with { Value = new RawNode.Scalar(scalar.At, port, quoted: false) }).Then(number =>
            HostSyntax.Read(host).Match(
                Right: read => read is Host.Address
                    ? Checked.Good<WebAddress>(new WebAddress.Tcp(new Endpoint(read, (int)number)))
                    : Bad(field, "write an address of this machine: 127.0.0.1 for this machine alone, 0.0.0.0 for all"),
                Left: fault => Bad(field, fault.Hint)));

    private static Checked<WebAddress> Bad(Field field, string hint) =>
        Checked.Bad<WebAddress>(Faults.Unexpected("invalid_web_address", field, Expected, hint));
}
