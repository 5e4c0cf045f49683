using System.Net;
using System.Net.Sockets;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Reads and prints <c>source_addresses</c>, and says where connects could not come from them.</summary>
internal static class SourceAddresses
{
    /// <summary>
    /// The most that a service has: where local ports are used up, a connect tries each, which takes its time.
    /// </summary>
    public const int Most = 16;

    private const string OneExpected = "an IPv4 or IPv6 address of this machine";
    private const string Expected = $"{OneExpected}, or a list of them";

    /// <summary>One address, or a list of them.</summary>
    public static Kind<Arr<IPAddress>> Kind { get; } = new(
        Expected,
        Raw.Map(Raw.Entry("oneOf", Raw.List(Kinds.Host.Schema, Raw.Map(
            Raw.Entry("type", "array"), Raw.Entry("items", Kinds.Host.Schema),
            Raw.Entry("minItems", Raw.Number(1)), Raw.Entry("maxItems", Raw.Number(Most)))))),
        field => field.Value switch
        {
            RawNode.Sequence { Items.IsEmpty: false } list => Checked
                .Each(field.Items(list), (item, _) => One(item)).Map<object>(addresses => addresses),
            RawNode.Sequence => Checked.Bad<object>(Faults.Unexpected(
                "wrong_type", field, Expected, "write an address, such as 10.0.0.5")),
            _ => One(field).Map<object>(address => Prelude.Array(address)),
        },
        addresses => (Arr<IPAddress>)addresses switch
        {
            { Count: 0 } => Raw.Null,
            { Count: 1 } one => Raw.Text($"{one[0]}"),
            var several => Raw.List([.. several.Select(address => Raw.Text($"{address}"))]),
        });

    /// <summary>What is wrong with them beyond each single one.</summary>
    public static IEnumerable<Finding> Findings(ReadService service, HostFacts facts) =>
        from field in service.Given.Find(Settings.SourceAddresses).AsEnumerable()
        let items = field.Value is RawNode.Sequence list ? field.Items(list).ToArray() : [field]
        // What could not be read has its own finding.
        where service.Config.SourceAddresses.Count == items.Length
        from finding in TooMany(field, items)
            .Concat(Repeated(service.Config.SourceAddresses, items))
            .Concat(Elsewhere(service.Config.SourceAddresses, items, facts))
            .Concat(WithoutSource(service, field))
        select finding;

    private static IEnumerable<Finding> TooMany(Field field, Field[] items) => items.Length <= Most ? [] :
    [
        Faults.Error("too_many_source_addresses", field.Path, field.Value.At,
            $"{field.Path}: {items.Length} addresses, and a service may have {Most}", $"keep at most {Most} of them"),
    ];

    private static IEnumerable<Finding> Repeated(Arr<IPAddress> addresses, Field[] items) =>
        from i in Enumerable.Range(0, items.Length)
        let first = addresses.IndexOf(addresses[i])
        where first < i
        select Faults.Error("duplicate_source_address", items[i].Path, items[i].Value.At,
            $"{items[i].Path}: {addresses[i]} is already listed as {items[first].Path} (line "
                + $"{items[first].Value.At.Line})",
            "remove one of the two: each address has local ports of its own, and only once");

    // All of 127.0.0.0/8 is this machine's, whatever its interfaces list.
    private static IEnumerable<Finding> Elsewhere(Arr<IPAddress> addresses, Field[] items, HostFacts facts) =>
        from i in Enumerable.Range(0, items.Length)
        where !facts.LocalAddresses.IsEmpty && !IPAddress.IsLoopback(addresses[i])
            && !facts.LocalAddresses.Exists(own => OwnListeners.WithoutZone(own)
                .Equals(OwnListeners.WithoutZone(addresses[i])))
        select Faults.Warning("source_address_not_local", items[i].Path, items[i].Value.At,
            $"{items[i].Path}: this machine does not have the address {addresses[i]}; no connection can come from it",
            "run 'ip -brief address', and list addresses that it shows");

    // What a name leads to is known later: an address of a family without a source is then no route.
    private static IEnumerable<Finding> WithoutSource(ReadService service, Field field) =>
        from backend in service.Backends
        where service.Config.SourcesTo(backend.Config.Endpoint).IsEmpty
        let family = ((Host.Address)backend.Config.Endpoint.Host).Value.AddressFamily == AddressFamily.InterNetwork
            ? "IPv4" : "IPv6"
        select Faults.Error("no_source_address", backend.Path, backend.At,
            $"{backend.Path}: {backend.Config} has an {family} address, and {field.Path} (line {field.KeyAt.Line}) "
                + "lists none to connect from",
            $"add an {family} address of this machine to '{Settings.SourceAddresses}', or move the backend to a "
                + "service of its own");

    private static Checked<IPAddress> One(Field field) => Scalars.Text(field, OneExpected).Then(scalar =>
        HostSyntax.Read(scalar.Text).Match(
            Right: host => host.Match(
                address => OwnListeners.IsAny(address) || IsGroup(address)
                    ? Bad(field, "no connection can come from it", "list single addresses of this machine")
                    : Checked.Good(address),
                _ => Bad(field, "not an IP address", "write the address itself, such as 10.0.0.5"),
                _ => Bad(field, "not an IP address", "write the address itself, such as 10.0.0.5")),
            Left: fault => Bad(field, fault.Reason, fault.Hint)));

    private static bool IsGroup(IPAddress address) => address.IsIPv6Multicast
        || (address.AddressFamily == AddressFamily.InterNetwork && address.GetAddressBytes()[0] >= 224);

    private static Checked<IPAddress> Bad(Field field, string why, string hint) => Checked.Bad<IPAddress>(
        Faults.Unexpected("invalid_source_address", field, OneExpected, hint, why));
}
