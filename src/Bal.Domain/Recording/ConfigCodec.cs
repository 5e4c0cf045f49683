using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;
using Keys = Bal.Domain.Config.Fields;

namespace Bal.Domain.Recording;

/// <summary>
/// The form of a configuration: the keys of the file, each by its row. A key that is missing has its default, so that
/// what earlier versions wrote is read; one that is not known is refused, since what it asks for could not be done.
/// </summary>
internal static class ConfigCodec
{
    private const string Name = "name";
    private const string Services = Settings.Services;

    // Beside the keys of the file, and only where it differs from what is in force.
    private const string Configured = "configured_connections";

    public static readonly Codec<Host> Host = Of(
        host => Kinds.Host.Print(host), (RawNode node) => Kinds.Host.Read(Whole(node)).Map(host => (Host)host));

    public static readonly Codec<RelayMode> Relay = Codec.Words(
        new Arr<RelayMode>(Enum.GetValues<RelayMode>()), Words.Of);

    public static readonly Codec<LogLevel> Level = Codec.Words(new Arr<LogLevel>(Enum.GetValues<LogLevel>()), Words.Of);

    public static readonly Codec<BackendConfig> Backend = Of(Written, node => BackendOf(Whole(node)));

    public static readonly Codec<HealthCheck> Check = Of(
        check => Settings.Check.Print(check),
        (RawNode node) => Settings.Check.Read(Whole(node)).Map(check => (HealthCheck)check));

    public static readonly Codec<Endpoint> Endpoint =
        Backend.Wrap<Endpoint>(endpoint => new BackendConfig(endpoint), backend => backend.Endpoint);

    public static readonly Codec<Service> Service = Of(Written, node => ServiceOf(Whole(node)));

    public static readonly Codec<BalConfig> Config = Of(
        config => Raw.Map(
        [
            .. FirstRelease.Written(Settings.Process, config, 1),
            Raw.Entry(Services, Raw.List([.. config.Services.Select(Written)])),
        ]),
        node => Members(Whole(node), Settings.Process.Keys.Add(Services)).Then(members =>
            Settings.Process.Read(members).And(
                Items(members, Services, ServiceOf),
                (edits, services) => edits.Apply(Settings.Process.Defaults(1, Settings.BlankConfig)) with
                {
                    Services = services,
                })));

    private static RawNode Written(BackendConfig backend) =>
        Raw.Map([.. FirstRelease.Written(Settings.OfBackend, backend, 1)]);

    private static RawNode Written(Service service) => Raw.Map(
    [
        Raw.Entry(Name, service.Name),
        .. FirstRelease.Written(Settings.OfService, service, service.Backends.Count),
        Raw.Entry(Settings.Backends, Raw.List([.. service.Backends.Select(Written)])),
        Raw.Entry(Settings.RuntimeBlock, Raw.Map(
            [.. FirstRelease.Written(Settings.Runtime, service.Tuning, service.Backends.Count)])),
        .. service.Tuning.ConfiguredConnections.Map(wanted => Raw.Entry(Configured, Raw.Number(wanted))).AsEnumerable(),
    ]);

    private static Checked<BackendConfig> BackendOf(Field field) =>
        BackendRules.One(field).Map(entry => entry.Config);

    private static Checked<Service> ServiceOf(Field field) =>
        Members(field, Settings.ServiceKeys.Add(Name).Add(Configured)).Then(members =>
            members.Find(Name).Match(name => Scalars.Text(name, "a name"), () => Missing<RawNode.Scalar>(members, Name))
                .And(Settings.OfService.Read(members), (name, edits) => new { name, edits })
                .And(Items(members, Settings.Backends, BackendOf), (s, backends) => new { s.name, s.edits, backends })
                .And(Wanted(members), (s, wanted) => new { s.name, s.edits, s.backends, wanted })
                .And(
                    TuningRules.Block(members, Settings.Runtime.Keys).Then(Settings.Runtime.Read),
                    (s, runtime) => s.edits.Apply(Settings.OfService.Defaults(1, Settings.BlankService)) with
                    {
                        Name = s.name.Text,
                        Backends = s.backends,
                        Tuning = runtime.Apply(Settings.Runtime.AsEarlier(Tuning.For(s.backends.Count))) with
                        {
                            ConfiguredConnections = s.wanted,
                        },
                    }));

    private static Checked<Option<int>> Wanted(Keys members) => members.Find(Configured).Match(
        field => Scalars.Integer(field, IntRange.PositiveCount).Map(Option<int>.Some),
        () => Checked.Good(Option<int>.None));

    private static Checked<Keys> Members(Field field, Arr<string> known) => field.Value is RawNode.Mapping mapping
        ? Keys.Read(mapping, field.Path, known)
        : Checked.Bad<Keys>(Scalars.WrongKind(field, "an object", ""));

    private static Checked<Arr<T>> Items<T>(Keys members, string key, Func<Field, Checked<T>> read) =>
        members.Find(key).Match(
            field => field.Value is RawNode.Sequence { Items.IsEmpty: false } list
                ? Checked.Each(field.Items(list), (item, _) => read(item))
                : Checked.Bad<Arr<T>>(Scalars.WrongKind(field, "a list of at least one", "")),
            () => Missing<Arr<T>>(members, key));

    private static Checked<T> Missing<T>(Keys members, string key) =>
        Checked.Bad<T>(Faults.Missing(members, key, "a value", ""));

    private static Field Whole(RawNode node) => new("", SourcePosition.Start, node);

    private static Codec<T> Of<T>(Func<T, RawNode> write, Func<RawNode, Checked<T>> read) where T : class => new(
        (walk, value) => Raw.Write(walk.Json, write(value)),
        (walk, json) =>
        {
            // Not by Match: what a walk that has failed goes on with is null, which Match refuses.
            if (Raw.Read(json) is not { IsSome: true } node)
                return walk.Fail<T>("expected text in valid Unicode");
            var found = read((RawNode)node);
            return found.Findings.IsEmpty && found.Value.IsSome
                ? (T)found.Value
                : walk.Fail<T>(found.Findings.IsEmpty ? "it could not be read" : found.Findings[0].Message);
        });
}
