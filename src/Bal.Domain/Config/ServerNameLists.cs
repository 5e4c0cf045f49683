using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Reads and prints <c>server_names</c>.</summary>
internal static class ServerNameLists
{
    private const string OneExpected = "a host name, or one behind \"*.\"";
    private const string Expected = $"{OneExpected}, or a list of them";

    /// <summary>One name, or a list of them, each once.</summary>
    public static Kind<Arr<ServerName>> Kind { get; } = new(
        Expected,
        Raw.Map(Raw.Entry("oneOf", Raw.List(Kinds.Host.Schema, Raw.Map(
            Raw.Entry("type", "array"), Raw.Entry("items", Kinds.Host.Schema), Raw.Entry("minItems", Raw.Number(1)))))),
        field => field.Value switch
        {
            RawNode.Sequence { Items.IsEmpty: false } list => Checked
                .Each(field.Items(list), (item, _) => One(item)).Map<object>(names => names),
            RawNode.Sequence => Checked.Bad<object>(Faults.Unexpected(
                "wrong_type", field, Expected, "write a name, such as www.example.org")),
            _ => One(field).Map<object>(name => Prelude.Array(name)),
        },
        names => (Arr<ServerName>)names switch
        {
            { Count: 0 } => Raw.Null,
            { Count: 1 } one => Raw.Text($"{one[0]}"),
            var several => Raw.List([.. several.Select(name => Raw.Text($"{name}"))]),
        });

    /// <summary>Each name with the place that it was read from.</summary>
    public static IEnumerable<KeyValuePair<ServerName, Field>> Places(ReadService service) =>
        from field in service.Given.Find(Settings.ServerNames).AsEnumerable()
        from item in field.Value is RawNode.Sequence list ? field.Items(list) : [field]
        from name in One(item).Value.AsEnumerable()
        select KeyValuePair.Create(name, item);

    /// <summary>A name that a service has twice.</summary>
    public static IEnumerable<Finding> Repeated(ReadService service)
    {
        var first = new Dictionary<ServerName, Field>();
        return
            from place in Places(service)
            where !first.TryAdd(place.Key, place.Value)
            let at = first[place.Key]
            select Faults.Error("duplicate_server_name", place.Value.Path, place.Value.Value.At,
                $"{place.Value.Path}: {place.Key} is already listed as {at.Path} (line {at.Value.At.Line})",
                "remove one of the two");
    }

    private static Checked<ServerName> One(Field field) => Scalars.Text(field, OneExpected).Then(scalar =>
    {
        var wild = scalar.Text.StartsWith(ServerName.Wildcard, StringComparison.Ordinal);
        return HostSyntax.Read(wild ? scalar.Text[ServerName.Wildcard.Length..] : scalar.Text).Match(
            Right: host => host is Host.Name name
                ? Checked.Good(new ServerName(name.Value, wild))
                : Bad("it is an address, which no client may ask for as a name", "write the name of a host"),
            Left: fault => scalar.Text.Contains('*')
                ? Bad("'*' stands for exactly one whole label, the first", "write it as in \"*.example.org\"")
                : Bad(fault.Reason, fault.Hint));

        Checked<ServerName> Bad(string why, string hint) => Checked.Bad<ServerName>(
            Faults.Unexpected("invalid_server_name", field, OneExpected, hint, why));
    });
}
