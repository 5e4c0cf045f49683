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
    public Arr<Endpoint> Endpoints => new(Configs
        .Concat(Files.SelectMany(f => f.Loaded.Outcome.Config.AsEnumerable()))
        .Concat(Written)
        .SelectMany(c => c.Services).SelectMany(s => s.Endpoints).Distinct());

    /// <summary>How many backends the configurations have at least.</summary>
    public int FewestBackends => Configs.Min(c => c.Main.Backends.Count);

    /// <summary>The configurations that the scenario itself holds, written out.</summary>
    internal Arr<BalConfig> Written { get; init; } = Arr<BalConfig>.Empty;

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
                "scenario.duration is missing; required is how long clients come",
                    "add a line such as 'duration: 10m'")));
        var rate = Or(top, ScenarioKeys.ClientRate, ScenarioValues.Rate, new ClientRate(10_000));
        var life = Or(top, ScenarioKeys.ConnectionLength, f => ScenarioValues.SpreadOf(f, Scenario.MaxLength),
            new Spread(new(100), new(1_000)));
        var retries = Or(top, ScenarioKeys.Retries, f => Scalars.Integer(f, new IntRange(0, 100, "")), 0);
        var pause = Or(
            top, ScenarioKeys.RetryAfter, f => ScenarioValues.Span(f, Duration.Zero, Longest), new Duration(1_000));
        var latency = Or(top, ScenarioKeys.ConnectLatency, f => ScenarioValues.SpreadOf(f, Longest),
            new Spread(new(1), new(3)));
        var end = length.Value.IfNone(Scenario.MaxLength);
        var events = ScenarioEventRules.Read(top, end, around);
        var expected = ExpectationRules.Read(top, end, around);

        var clients = rate.And(life, (r, l) => new { r, l })
            .And(retries, (c, again) => new { c.r, c.l, again })
            .And(pause, (c, wait) => new ClientLoad(c.r, c.l, c.again, wait));
        return seed.And(length, (s, l) => new { s, l })
            .And(clients, (o, c) => new { o.s, o.l, c })
            .And(latency, (o, spread) => new { o.s, o.l, o.c, spread })
            .And(events, (o, e) => new { o.s, o.l, o.c, o.spread, e })
            .And(expected, (o, e) => new Scenario((ulong)o.s, o.l, o.c, o.spread, o.e, e))
            .Then(scenario => Checked.Good(scenario).With(Excess(top, scenario, around)));
    }

    // What a run costs is known before it begins; nobody has to wait to find out that it is too much.
    private static IEnumerable<Finding> Excess(Fields top, Scenario scenario, ScenarioSurroundings around)
    {
        var connections = scenario.ExpectedClients * (1 + scenario.Clients.Retries);
        if (connections > Scenario.MaxClients)
            yield return TooMuch(top, ScenarioKeys.ClientRate,
                $"{connections} connections could be made, retries included; allowed are {Scenario.MaxClients}",
                "lower client_rate or retries, or shorten duration");
        var rate = scenario.Events.Fold(scenario.Clients.Rate.PerThousandSeconds, (most, e) =>
            e.Do is ScenarioAction.SetRate set ? Math.Max(most, set.Rate.PerThousandSeconds) : most);
        if (new ClientRate(rate).Within(scenario.Clients.ConnectionLength.Most.Milliseconds) is > MaxOpen and var open)
            yield return TooMuch(top, ScenarioKeys.ConnectionLength,
                $"{open} connections could be open at once; allowed are {MaxOpen}",
                "lower client_rate or connection_length");
        var probes = around.Configs.Concat(scenario.Events.SelectMany(e =>
            e.Do is ScenarioAction.Reload reload ? Prelude.Array(reload.Config) : Arr<BalConfig>.Empty)).Max(config =>
                scenario.Length.Milliseconds / config.Main.Tuning.Health.Interval.Milliseconds
                    * config.Main.Backends.Count);
        if (probes > MaxProbes)
            yield return TooMuch(top, ScenarioKeys.Length,
                $"{probes} probes would be made at the configured interval; allowed are {MaxProbes}",
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
