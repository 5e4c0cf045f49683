using Bal.Domain.Admission;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Reads and prints the lists of clients and peers.</summary>
internal static class AccessLists
{
    private const string Expected = "a list of addresses, networks, unix and {file: NAME}";
    private const string PeersExpected = "a list of addresses, networks and unix";
    private const string File = "file";
    private const string Unix = "unix";

    private static readonly Arr<string> Keys = Prelude.Array(File);

    /// <summary>A list of networks and files.</summary>
    public static Kind<AccessList> Kind { get; } = new(
        Expected,
        Raw.Map(
            Raw.Entry("type", "array"),
            Raw.Entry("minItems", Raw.Number(1)),
            Raw.Entry("items", Raw.Map(Raw.Entry("oneOf", Raw.List(
                Raw.Map(Raw.Entry("type", "string")),
                Raw.Map(
                    Raw.Entry("type", "object"),
                    Raw.Entry("properties", Raw.Map(Raw.Entry(File, Kinds.File.Schema))),
                    Raw.Entry("required", Raw.List(Raw.Text(File))),
                    Raw.Entry("additionalProperties", Raw.Flag(false)))))))),
        field => field.Value is RawNode.Sequence { Items.IsEmpty: false } list
            ? Read(field, list).Map<object>(read => read)
            : Checked.Bad<object>(Scalars.WrongKind(
                field, Expected, "write '- 10.0.0.0/8' below it, indented by two more spaces")),
        value => Print((AccessList)value));

    /// <summary>A list of networks, and the word for Unix sockets.</summary>
    public static Kind<TrustedPeers> Peers { get; } = new(
        PeersExpected,
        Raw.Map(
            Raw.Entry("type", "array"),
            Raw.Entry("minItems", Raw.Number(1)),
            Raw.Entry("items", Raw.Map(Raw.Entry("type", "string")))),
        field => field.Value is RawNode.Sequence { Items.IsEmpty: false } list
            ? ReadPeers(field, list).Map<object>(read => read)
            : Checked.Bad<object>(Scalars.WrongKind(
                field, PeersExpected, "write '- 10.0.0.0/8' below it, indented by two more spaces")),
        value => Print((TrustedPeers)value));

    private static Checked<TrustedPeers> ReadPeers(Field field, RawNode.Sequence list)
    {
        var items = Arr.create(field.Items(list).ToArray());
        var networks = items.Filter(item => !IsUnix(item));
        return Checked.Each(networks, (item, _) => ReadNetwork(item, "an address, a network or unix")).Map(read =>
            new TrustedPeers(NetworkSet.Of(read), Unix: networks.Count < items.Count));
    }

    private static bool IsUnix(Field item) => item.Value is RawNode.Scalar { Text: Unix };

    private static Checked<Network> ReadNetwork(Field item, string expected) =>
        Scalars.Text(item, expected).Then(scalar => Network.Read(scalar.Text).Match(
            Checked.Good,
            fault => Checked.Bad<Network>(Faults.Unexpected(
                "invalid_network", item, expected, fault.Hint, fault.Reason))));

    private static RawNode Print(TrustedPeers peers) => peers.IsGiven
        ? Raw.List(
        [
            .. peers.Networks.Networks.Select(network => Raw.Text($"{network}")),
            .. peers.Unix ? [Raw.Word(Unix)] : System.Array.Empty<RawNode>(),
        ])
        : Raw.Null;

    private static Checked<AccessList> Read(Field field, RawNode.Sequence list)
    {
        var unix = false;
        var (networks, files, findings) = (new List<Network>(), new List<string>(), new List<Messages.Finding>());
        foreach (var item in field.Items(list))
        {
            if (item.Value is RawNode.Mapping mapping)
            {
                var path = Fields.Read(mapping, item.Path, Keys).Then(fields => fields.Find(File).Match(
                    Scalars.FilePath,
                    () => Checked.Bad<string>(
                        Faults.Missing(fields, File, Scalars.PathExpected, "write 'file: NAME'"))));
                path.Value.IfSome(files.Add);
                findings.AddRange(path.Findings);
            }
            else if (IsUnix(item))
            {
                unix = true;
            }
            else
            {
                var network = ReadNetwork(item, "an address, a network or unix");
                network.Value.IfSome(networks.Add);
                findings.AddRange(network.Findings);
            }
        }

        return Checked
            .Good(new AccessList(NetworkSet.Of(networks), new(files.Distinct()), NetworkSet.Empty) { Unix = unix })
            .With(findings);
    }

    private static RawNode Print(AccessList list) => list.IsGiven
        ? Raw.List(
        [
            .. list.Given.Networks.Select(network => Raw.Text($"{network}")),
            .. list.Unix ? [Raw.Word(Unix)] : System.Array.Empty<RawNode>(),
            .. list.Files.Select(file => Raw.Map(Raw.Entry(File, file))),
        ])
        : Raw.Null;
}
