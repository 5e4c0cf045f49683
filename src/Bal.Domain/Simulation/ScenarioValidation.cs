using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Simulation;

/// <summary>A configuration that a scenario names, as it was loaded.</summary>
/// <param name="Name">As the scenario writes it.</param>
/// <param name="Loaded">What became of it.</param>
public sealed record NamedConfig(string Name, LoadedConfig Loaded);

/// <summary>What a scenario is read against.</summary>
/// <param name="Configs">The configurations that it is to run on, at least one.</param>
/// <param name="Files">Those that it names itself; see <see cref="ScenarioValidation.FilesOf"/>.</param>
public sealed record ScenarioSurroundings(Arr<BalConfig> Configs, Arr<NamedConfig> Files)
{
    /// <summary>The backends of every configuration.</summary>
    public Arr<Endpoint> Endpoints => new(Services.SelectMany(s => s.Endpoints).Distinct());

    /// <summary>The services of every configuration.</summary>
    public Arr<string> ServiceNames => new(Services.Select(s => s.Name).Distinct());

    /// <summary>How many backends a service has at least in the configurations that the scenario runs on.</summary>
    /// <param name="service">Its name; none for the first.</param>
    public int FewestBackends(Option<string> service) => Configs.Min(config => service
        .Match(name => config.Services.Find(s => s.Name == name), () => config.Services[0])
        .Match(s => s.Backends.Count, () => 0));

    /// <summary>The configurations that the scenario itself holds, written out.</summary>
    internal Arr<BalConfig> Written { get; init; } = Arr<BalConfig>.Empty;

    private IEnumerable<Service> Services => Configs
        .Concat(Files.SelectMany(f => f.Loaded.Outcome.Config.AsEnumerable()))
        .Concat(Written)
        .SelectMany(c => c.Services);

    internal bool Knows(Endpoint endpoint) => Endpoints.Exists(e => e == endpoint);
}

/// <summary>What validation found: a scenario unless there is an error among the findings.</summary>
/// <param name="Scenario">The scenario; none if there is an error.</param>
/// <param name="Findings">Every error, in the order of the file.</param>
public sealed record ScenarioOutcome(Option<Scenario> Scenario, Arr<Finding> Findings);

/// <summary>Turns a raw document into a scenario, or into every reason why it is none.</summary>
public static class ScenarioValidation
{
    /// <summary>Probes of one run at most, at the interval that is configured.</summary>
    public const long MaxProbes = 20_000_000;

    /// <summary>Connections open at once at most.</summary>
    public const long MaxOpen = 1_000_000;

    private static readonly Duration Longest = new(3_600_000);

    /// <summary>The configuration files that the document names, to be loaded before it is validated.</summary>
    public static Arr<string> FilesOf(RawNode document) =>
        new(ConfigsIn(document).OfType<RawNode.Scalar>().Where(c => !Scalars.IsNull(c)).Select(c => c.Text));

    /// <summary>Validates <paramref name="document"/>; total over every tree.</summary>
    public static ScenarioOutcome Validate(RawNode document, ScenarioSurroundings around)
    {
        var read = (document is RawNode.Mapping mapping
            ? Fields.Read(mapping, ScenarioKeys.Root, ScenarioKeys.Top)
            : Checked.Bad<Fields>(Faults.Error("wrong_type", ScenarioKeys.Root, document.At,
                $"the scenario is {Shown.Value(document)} as a whole; required is a mapping with at least 'duration'",
                "write lines of the form 'key: value', such as 'duration: 10m'")))
            .Then(top => Read(top, around with { Written = WrittenIn(document) }));
        var valid = !read.Findings.Any(f => f.Severity == Severity.Error);
        return new(valid ? read.Value : Option<Scenario>.None, FindingList.Of(read.Findings));
    }

    private static Checked<Scenario> Read(Fields top, ScenarioSurroundings around)
    {
        var seed = Or(top, ScenarioKeys.Seed, f => Scalars.Integer(f, new IntRange(0, int.MaxValue, "")), 1);
        var length = top.Find(ScenarioKeys.Length).Match(
            f => ScenarioValues.Span(f, new(1), Scenario.MaxLength),
            () => Checked.Bad<Duration>(Faults.Error(
                "missing_key", $"{ScenarioKeys.Root}.{ScenarioKeys.Length}", top.At,
                "scenario.duration is missing: expected how long clients connect",
                    "add a line such as 'duration: 10m'")));
        var latency = Or(top, ScenarioKeys.ConnectLatency, f => ScenarioValues.SpreadOf(f, Longest),
            new Spread(new(1), new(3)));
        var end = length.Value.IfNone(Scenario.MaxLength);
        var events = ScenarioEventRules.Read(top, end, around);
        var expected = ExpectationRules.Read(top, end, around);

        var clients = Streams(top, around);
        return seed.And(length, (s, l) => new { s, l })
            .And(clients, (o, c) => new { o.s, o.l, c })
            .And(latency, (o, spread) => new { o.s, o.l, o.c, spread })
            .And(events, (o, e) => new { o.s, o.l, o.c, o.spread, e })
            .And(expected, (o, e) => new Scenario((ulong)o.s, o.l, o.c, o.spread, o.e, e))
            .Then(scenario => Checked.Good(scenario).With(Excess(top, scenario, around)));
    }

    // The keys of the top level are the only stream, or the defaults of each in the list.
    private static Checked<Arr<ClientLoad>> Streams(Fields top, ScenarioSurroundings around)
    {
        var one = Load(top, around, new ClientLoad(
            Option<string>.None, new ClientRate(10_000), new Spread(new(100), new(1_000)), 0, new Duration(1_000)));
        return top.Find(ScenarioKeys.Clients).Match(
            field => field.Value is RawNode.Sequence { Items.IsEmpty: false } list
                ? one.Then(defaults => Checked.Each(list.Items, (item, i) => item is RawNode.Mapping mapping
                    ? Fields.Read(mapping, $"{field.Path}[{i}]", ScenarioKeys.Load)
                        .Then(fields => Load(fields, around, defaults))
                    : Checked.Bad<ClientLoad>(Scalars.WrongKind(
                        new Field($"{field.Path}[{i}]", item.At, item), "a mapping", "write '- service: NAME'"))))
                : Checked.Bad<Arr<ClientLoad>>(Scalars.WrongKind(
                    field, "a list with an entry for each stream of clients", "start each one with '- service: NAME'")),
            () => one.Map(load => Prelude.Array(load)));
    }

    private static Checked<ClientLoad> Load(Fields fields, ScenarioSurroundings around, ClientLoad otherwise) =>
        ScenarioValues.ServiceBeside(fields, around).Map(service => service.IsSome ? service : otherwise.Service)
            .And(Or(fields, ScenarioKeys.ClientRate, ScenarioValues.Rate, otherwise.Rate), (s, r) => new { s, r })
            .And(
                Or(fields, ScenarioKeys.ConnectionLength, f => ScenarioValues.SpreadOf(f, Scenario.MaxLength),
                    otherwise.ConnectionLength),
                (o, life) => new { o.s, o.r, life })
            .And(
                Or(fields, ScenarioKeys.Retries, f => Scalars.Integer(f, new IntRange(0, 100, "")), otherwise.Retries),
                (o, again) => new { o.s, o.r, o.life, again })
            .And(
                Or(fields, ScenarioKeys.RetryAfter, f =>
                    ScenarioValues.Span(f, Duration.Zero, Longest), otherwise.RetryAfter),
                (o, wait) => new ClientLoad(o.s, o.r, o.life, o.again, wait))
            .And(
                Or(fields, ScenarioKeys.ClientAddresses, Network, otherwise.From),
                (load, from) => load with { From = from });

    private static Checked<Option<ClientNetwork>> Network(Field field) =>
        Scalars.Text(field, "a network such as 10.0.0.0/24").Then(scalar => ClientNetwork.Parse(scalar.Text).Match(
            network => Checked.Good(Option<ClientNetwork>.Some(network)),
            () => ScenarioValues.Bad<Option<ClientNetwork>>(
                field, "invalid_network", "a network such as 10.0.0.0/24",
                "write the first address of the network, a slash, and the bits that its addresses have in common")));

    // What a run costs is known before it begins; nobody has to wait to find out that it is too much.
    private static IEnumerable<Finding> Excess(Fields top, Scenario scenario, ScenarioSurroundings around)
    {
        var connections = scenario.Clients.Select((load, i) => scenario.ExpectedClients(i) * (1 + load.Retries)).Sum();
        if (connections > Scenario.MaxClients)
            yield return TooMuch(top, ScenarioKeys.ClientRate,
                $"{connections} connections could be made, including retries: expected at most {Scenario.MaxClients}",
                "lower client_rate or retries, or shorten duration");
        var open = scenario.Clients.Select((load, i) => new ClientRate(scenario.Events.Fold(
            load.Rate.PerThousandSeconds,
            (most, e) => e.Do is ScenarioAction.SetRate set && scenario.Concerns(set, i)
                ? Math.Max(most, set.Rate.PerThousandSeconds)
                : most)).Within(load.ConnectionLength.Most.Milliseconds)).Sum();
        if (open > MaxOpen)
            yield return TooMuch(top, ScenarioKeys.ConnectionLength,
                $"{open} connections could be open at once: expected at most {MaxOpen}",
                "lower client_rate or connection_length");
        var probes = around.Configs.Concat(scenario.Events.SelectMany(e =>
            e.Do is ScenarioAction.Reload reload ? Prelude.Array(reload.Config) : Arr<BalConfig>.Empty)).Max(config =>
                config.Services.Sum(service =>
                    scenario.Length.Milliseconds / service.Tuning.Health.Interval.Milliseconds
                        * service.Backends.Count));
        if (probes > MaxProbes)
            yield return TooMuch(top, ScenarioKeys.Length,
                $"{probes} probes would be made at the configured interval: expected at most {MaxProbes}",
                "shorten duration, or raise health_check_interval_ms");
    }

    private static Finding TooMuch(Fields top, string key, string what, string hint) => Faults.Error(
        "too_much", top.PathOf(key), top.Find(key).Match(f => f.Value.At, () => top.At), what, hint);

    private static Checked<T> Or<T>(Fields fields, string key, Func<Field, Checked<T>> read, T otherwise) =>
        fields.Find(key).Match(read, () => Checked.Good(otherwise));

    private static Arr<BalConfig> WrittenIn(RawNode document) => new(ConfigsIn(document)
        .OfType<RawNode.Mapping>()
        .SelectMany(c => ConfigValidation.Validate(c, HostFacts.Unknown).Config.AsEnumerable()));

    private static IEnumerable<RawNode> ConfigsIn(RawNode document) =>
        from top in Entries(document, ScenarioKeys.Events)
        from item in top is RawNode.Sequence list ? list.Items : Arr<RawNode>.Empty
        from config in Entries(item, ScenarioKeys.Config)
        select config;

    private static IEnumerable<RawNode> Entries(RawNode node, string key) => node is RawNode.Mapping mapping
        ? mapping.Entries.Where(e => e.Key is RawNode.Scalar k && k.Text == key).Select(e => e.Value)
        : [];
}
