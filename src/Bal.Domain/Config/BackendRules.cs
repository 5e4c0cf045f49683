using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>A backend with the place it was read from.</summary>
/// <param name="Config">The backend.</param>
/// <param name="Path">What messages call it.</param>
/// <param name="At">Where it stands.</param>
/// <param name="Given">Its keys.</param>
internal sealed record ReadBackend(BackendConfig Config, string Path, SourcePosition At, Fields Given);

/// <summary>Reads <c>backends</c>.</summary>
internal static class BackendRules
{
    /// <summary>How many backends a file may have in all.</summary>
    public const int Most = 20_000;

    private const string Example =
        "write '- 10.0.0.1:9000', or '- host: \"10.0.0.1\"' and below it, aligned with host, 'port: 9000'";

    /// <summary>The backends that can be read; the others, repeated ones and a missing list are errors.</summary>
    public static Checked<Arr<ReadBackend>> Read(Fields service) => service.Find(Settings.Backends).Match(
        field => field.Value switch
        {
            RawNode.Sequence { Items.IsEmpty: false } list =>
                WithoutDuplicates(Checked.Each(field.Items(list), (item, _) => One(item))),
            RawNode.Mapping => Bad(Scalars.WrongKind(field, "a list of backends", "start each backend with '- '")),
            var other when Scalars.IsNull(other) || other is RawNode.Sequence => Bad(Faults.Unexpected(
                "no_backends", field, "a list of at least one backend", Example)),
            _ => Bad(Scalars.WrongKind(field, "a list of backends", Example)),
        },
        () => Bad(Faults.Missing(service, Settings.Backends, "a list of at least one backend",
            $"add 'backends:' and below it {Example[6..]}")));

    /// <summary>How many backends a service lists, readable or not: what auto-tuning goes by.</summary>
    public static int CountOf(Fields service) => service.Find(Settings.Backends).Match(
        field => field.Value is RawNode.Sequence list ? list.Items.Count : 0, () => 0);

    /// <summary>A backend in its long or its short form.</summary>
    public static Checked<ReadBackend> One(Field item) => item.Value switch
    {
        RawNode.Mapping mapping => Fields.Read(mapping, item.Path, Settings.OfBackend.Keys, Settings.PlaceOf)
            .Then(fields => Of(fields, item)),
        RawNode.Scalar scalar when IsUnix(scalar) => Of(Fields.Of(item.Path, item.Value.At, new([
            Raw.Entry(Settings.Unix, new RawNode.Scalar(
                scalar.At, scalar.Text[Host.Unix.Prefix.Length..], quoted: true))])), item),
        RawNode.Scalar scalar when !Scalars.IsNull(scalar) => HostSyntax.Split(scalar.Text).Match(
            parts => Of(Fields.Of(item.Path, item.Value.At, new([
                Raw.Entry(Settings.HostKey, new RawNode.Scalar(scalar.At, parts.Host, quoted: true)),
                Raw.Entry(Settings.Port, new RawNode.Scalar(scalar.At, parts.Port, quoted: false))])), item),
            () => Checked.Bad<ReadBackend>(
                Faults.Unexpected("invalid_backend", item, "HOST:PORT", Remedy(scalar.Text)))),
        _ => Checked.Bad<ReadBackend>(Scalars.WrongKind(item, "HOST:PORT, or a mapping of host and port", Example)),
    };

    private static bool IsUnix(RawNode.Scalar scalar) =>
        scalar.Text.StartsWith(Host.Unix.Prefix, StringComparison.Ordinal);

    private static Checked<ReadBackend> Of(Fields fields, Field item) => Settings.OfBackend.Read(fields).Then(edits =>
        (edits.Sound(Settings.HostKey, Settings.Port, Settings.Unix) && !Places(fields).Any()
            ? Checked.Good(new ReadBackend(
                edits.Apply(Settings.OfBackend.Defaults(1, Settings.BlankBackend)), item.Path, item.Value.At,
                fields))
            : Checked.None<ReadBackend>()).With(Places(fields)));

    // A backend has a host and a port, or the path of a socket.
    private static IEnumerable<Finding> Places(Fields given)
    {
        var unix = given.Find(Settings.Unix);
        foreach (var (key, expected) in new[]
        {
            (Settings.HostKey, HostSyntax.Expected), (Settings.Port, IntRange.Port.ToText()),
        })
        {
            if (unix.IsNone && given.Find(key).IsNone)
                yield return Faults.Missing(given, key, expected, $"add '{key}:' to '{given.Path}'");
            if (unix.IsSome && given.Find(key).Case is Field beside)
                yield return Faults.Error("key_without_effect", beside.Path, beside.KeyAt,
                    $"{beside.Path}: a backend with '{Settings.Unix}' has no {key}",
                    $"remove the line, or '{Settings.Unix}'");
        }
    }

    private static string Remedy(string text) =>
        text.Contains("://", StringComparison.Ordinal) ? "write the host and the port alone: no scheme, no path"
        : text.Contains(':', StringComparison.Ordinal) ? "put an IPv6 address in brackets, as in \"[::1]:9000\""
        : HostSyntax.Read(text).IsRight ? $"add the port: \"{Shown.Text(text)}:9000\""
        : "write \"10.0.0.1:9000\", \"[::1]:9000\" or \"db.internal:9000\"";

    private static Checked<Arr<ReadBackend>> WithoutDuplicates(Checked<Arr<ReadBackend>> read) => read.Then(entries =>
    {
        var first = new Dictionary<Endpoint, ReadBackend>();
        var repeated = entries.Where(entry => !first.TryAdd(entry.Config.Endpoint, entry)).Select(entry => Faults.Error(
            "duplicate_backend", entry.Path, entry.At,
            $"{entry.Path}: duplicate backend {entry.Config} (first listed as {first[entry.Config.Endpoint].Path}, "
                + $"line {first[entry.Config.Endpoint].At.Line})",
            "remove one of the two: listing a backend twice does not increase its share"));
        return Checked.Good(entries).With([.. repeated]);
    });

    private static Checked<Arr<ReadBackend>> Bad(Finding why) => Checked.Bad<Arr<ReadBackend>>(why);
}
