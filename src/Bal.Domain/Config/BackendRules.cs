using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>A backend with the place it was read from.</summary>
internal sealed record BackendEntry(Endpoint Endpoint, string Path, SourcePosition At);

/// <summary>Reads <c>backends</c>.</summary>
internal static class BackendRules
{
    private const string Example = "write '- host: \"10.0.0.1\"' and below it, aligned with host, 'port: 9000'";

    /// <summary>The backends that can be read; the others, repeated ones and a missing list are errors.</summary>
    public static Checked<Arr<BackendEntry>> Read(Fields top) => top.Find(ConfigKeys.Backends).Match(
        field => field.Value switch
        {
            RawNode.Sequence { Items.IsEmpty: false } list => WithoutDuplicates(
                Checked.Each(list.Items, (item, i) => One(new Field($"{field.Path}[{i}]", item.At, item)))),
            RawNode.Mapping => Bad(Scalars.WrongKind(field, "a list of backends", "start each backend with '- '")),
            var other when Scalars.IsNull(other) || other is RawNode.Sequence => Bad(Faults.Error("no_backends",
                field.Path, other.At, "backends is empty; allowed is a list of at least one backend", Example)),
            _ => Bad(Scalars.WrongKind(field, "a list of backends", Example)),
        },
        () => Bad(Faults.Error("missing_key", ConfigKeys.Backends, top.At,
            "backends is missing; required is a list of at least one backend",
                $"add 'backends:' and below it {Example[6..]}")));

    /// <summary>How many backends the file lists, readable or not: what auto-tuning goes by.</summary>
    public static int CountOf(Fields top) => top.Find(ConfigKeys.Backends).Match(
        field => field.Value is RawNode.Sequence list ? list.Items.Count : 0, () => 0);

    private static Checked<BackendEntry> One(Field item)
    {
        if (item.Value is not RawNode.Mapping mapping)
            return Checked.Bad<BackendEntry>(Scalars.WrongKind(item, "a mapping of host and port",
                MappingHint(item.Value)));
        return Fields.Read(mapping, item.Path, ConfigKeys.Backend).Then(fields =>
            Required(fields, ConfigKeys.Host, HostSyntax.Allowed, HostOf).And(
                Required(fields, ConfigKeys.Port, IntRange.Port.ToText(), f => Scalars.Integer(f, IntRange.Port)),
                (host, port) => new BackendEntry(new Endpoint(host, port), item.Path, mapping.At)));
    }

    /// <summary>Reads a field as a host.</summary>
    public static Checked<Host> HostOf(Field field) => Scalars.Text(field, HostSyntax.Allowed).Then(scalar =>
        HostSyntax.Read(scalar.Text).Match(
            Right: Checked.Good,
            Left: fault => Checked.Bad<Host>(Faults.Error(fault.Code, field.Path, scalar.At,
                $"{field.Path} is {Shown.Value(scalar)}: {fault.Reason}; allowed is {HostSyntax.Allowed}",
                    fault.Hint))));

    private static Checked<T> Required<T>(Fields fields, string key, string allowed, Func<Field, Checked<T>> read) =>
        fields.Find(key).Match(read, () => Checked.Bad<T>(Faults.Error("missing_key", fields.PathOf(key), fields.At,
            $"{fields.PathOf(key)} is missing; required is {allowed}", $"add '{key}:' to this backend")));

    private static Checked<Arr<BackendEntry>> WithoutDuplicates(Checked<Arr<BackendEntry>> read) => read.Then(entries =>
    {
        var first = new Dictionary<Endpoint, BackendEntry>();
        var repeated = entries.Where(entry => !first.TryAdd(entry.Endpoint, entry)).Select(entry => Faults.Error(
            "duplicate_backend", entry.Path, entry.At,
            $"{entry.Path} is {entry.Endpoint} again, as {first[entry.Endpoint].Path} in line {first[entry.Endpoint].At.Line}",
            "remove one of the two: a backend has the same share however often it is listed"));
        return Checked.Good(entries).With([.. repeated]);
    });

    private static string MappingHint(RawNode item) =>
        item is RawNode.Scalar scalar
        && HostSyntax.Read(scalar.Text).Match(Right: _ => false, Left: fault => fault.Code == "port_in_host")
            ? $"split it: '- host: \"{Shown.Text(scalar.Text[..scalar.Text.LastIndexOf(':')])}\"' and below it "
                + $"'port: {Shown.Text(scalar.Text[(scalar.Text.LastIndexOf(':') + 1)..])}'"
            : Example;

    private static Checked<Arr<BackendEntry>> Bad(Finding why) => Checked.Bad<Arr<BackendEntry>>(why);
}
