using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Domain.Simulation;

/// <summary>Reads <c>events</c>.</summary>
internal static class ScenarioEventRules
{
    private static readonly Duration Longest = new(3_600_000);

    /// <summary>The events in order of time; those that cannot be read are errors.</summary>
    public static Checked<Arr<ScenarioEvent>> Read(Fields top, Duration end, ScenarioSurroundings around) =>
        top.Find(ScenarioKeys.Events).Match(
            field => field.Value switch
            {
                RawNode.Sequence list => Checked
                    .Each(list.Items, (item, i) =>
                        One(new Field($"{ScenarioKeys.Events}[{i}]", item.At, item), end, around))
                    .Map(events => new Arr<ScenarioEvent>(events.OrderBy(e => e.At.Milliseconds))),
                var empty when Scalars.IsNull(empty) => Checked.Good(Arr<ScenarioEvent>.Empty),
                _ => Checked.Bad<Arr<ScenarioEvent>>(Scalars.WrongKind(
                    field, "a list of events", "start each event with '- at: 10s'")),
            },
            () => Checked.Good(Arr<ScenarioEvent>.Empty));

    private static Checked<ScenarioEvent> One(Field item, Duration end, ScenarioSurroundings around) =>
        item.Value is RawNode.Mapping mapping
            ? Fields.Read(mapping, item.Path, ScenarioKeys.Event).Then(fields =>
            {
                var word = Required(
                    fields, ScenarioKeys.Do, Words, f => Scalars.Choice(f, ActionWord.All, w => w.Word));
                // Whatever is to be done to it: a backend that does not exist is a mistake of its own.
                var backend = word.Value.IsNone
                    ? fields.Find(ScenarioKeys.Backend).Map(f => ScenarioValues.Backends(f, fields, around).Findings)
                    : Arr<Finding>.Empty;
                return Required(
                    fields, ScenarioKeys.At, "a time such as 10s", f => ScenarioValues.Span(f, Duration.Zero, end)).And(
                    word.Then(known => ActionOf(known, fields, around).With(Strangers(known, fields))),
                    (at, action) =>
                        new ScenarioEvent(Instant.Zero.Plus(at), action)).With(backend.IfNone(Arr<Finding>.Empty));
            })
            : Checked.Bad<ScenarioEvent>(Scalars.WrongKind(
                item, "a mapping with at and do", "write '- at: 10s' and below it, aligned with at, 'do: refuse'"));

    private static Checked<ScenarioAction> ActionOf(ActionWord word, Fields fields, ScenarioSurroundings around)
    {
        if (word == ActionWord.Refuse)
            return FaultOf(fields, around, Checked.Good<Fault>(new Fault.Refuse()));
        if (word == ActionWord.Blackhole)
            return FaultOf(fields, around, Checked.Good<Fault>(new Fault.Blackhole()));
        if (word == ActionWord.Slow)
            return FaultOf(fields, around, Required(
                fields, ScenarioKeys.Latency, "how long a connect takes, such as 300ms or 100ms..900ms",
                f => ScenarioValues.SpreadOf(f, Longest)).Map(spread => (Fault)new Fault.Slow(spread)));
        if (word == ActionWord.Flap)
            return FaultOf(fields, around, FlapOf(fields));
        if (word == ActionWord.Hang)
            return FaultOf(fields, around, Checked.Good<Fault>(new Fault.Hang()));
        if (word == ActionWord.WrongAnswer)
            return FaultOf(fields, around, Checked.Good<Fault>(new Fault.WrongAnswer()));
        if (word == ActionWord.Recover)
            return FaultOf(fields, around, Checked.Good(Fault.Healthy));
        if (word == ActionWord.Reload)
            return Required(
                fields, ScenarioKeys.Config, "a configuration, or the path of one", f => ConfigOf(f, around));
        if (word == ActionWord.Rate)
            return Required(fields, ScenarioKeys.Rate, "clients per second", ScenarioValues.Rate).And(
                ScenarioValues.ServiceBeside(fields, around),
                (rate, service) => (ScenarioAction)new ScenarioAction.SetRate(rate, service));
        if (word == ActionWord.Resolve)
            return Required(fields, ScenarioKeys.Name, "a name", NameOf).And(
                Required(fields, ScenarioKeys.Addresses, "a list of addresses", ScenarioValues.Addresses),
                (name, addresses) => (ScenarioAction)new ScenarioAction.SetAddresses(name, addresses));
        if (word == ActionWord.Drain)
            return OrderOf(OrderKind.Drain, fields, around, Checked.Good(Option<int>.None));
        if (word == ActionWord.Enable)
            return OrderOf(OrderKind.Enable, fields, around, Checked.Good(Option<int>.None));
        if (word == ActionWord.Weight)
            return OrderOf(OrderKind.Weight, fields, around, Required(
                fields, ScenarioKeys.Weight, "a weight from 0 to 256, or default", WeightOf));
        if (word == ActionWord.Crash)
            return Or(fields, ScenarioKeys.For, new Duration(1_000))
                .Map(away => (ScenarioAction)new ScenarioAction.Crash(away));
        return Checked.Good<ScenarioAction>(new ScenarioAction.Stop());
    }

    private static Checked<ScenarioAction> FaultOf(Fields fields, ScenarioSurroundings around, Checked<Fault> fault) =>
        Required(fields, ScenarioKeys.Backend, "the place of a backend, from 1, or HOST:PORT, or all",
            f => ScenarioValues.Backends(f, fields, around))
            .And(fault, (backend, what) => (ScenarioAction)new ScenarioAction.SetFault(backend, what));

    private static Checked<ScenarioAction> OrderOf(
        OrderKind kind, Fields fields, ScenarioSurroundings around, Checked<Option<int>> weight) =>
        Required(fields, ScenarioKeys.Backend, "the place of a backend, from 1, or HOST:PORT, or all",
            f => ScenarioValues.Backends(f, fields, around))
            .And(weight, (backend, its) => (ScenarioAction)new ScenarioAction.Order(backend, kind, its));

    private static Checked<Option<int>> WeightOf(Field field) =>
        Scalars.Text(field, "a weight from 0 to 256, or default").Then(scalar => scalar.Text == "default"
            ? Checked.Good(Option<int>.None)
            : Scalars.Integer(field, scalar, new IntRange(0, 256, ""), "an integer from 0 to 256, or default")
                .Map(Option<int>.Some));

    private static Checked<Fault> FlapOf(Fields fields)
    {
        var manner = fields.Find(ScenarioKeys.As).Match(
            f => Scalars.Choice(f, new Arr<ActionWord>([ActionWord.Refuse, ActionWord.Blackhole]), w => w.Word),
            () => Checked.Good(ActionWord.Refuse));
        return Or(fields, ScenarioKeys.Down, new Duration(2_000)).And(
                Or(fields, ScenarioKeys.Up, new Duration(2_000)), (down, up) => new { down, up })
            .And(manner, (s, how) => (Fault)new Fault.Flap(s.down, s.up, how == ActionWord.Blackhole));
    }

    private static Checked<Duration> Or(Fields fields, string key, Duration otherwise) => fields.Find(key).Match(
        f => ScenarioValues.Span(f, new(1), Longest), () => Checked.Good(otherwise));

    // A name is compared with those of the configuration, which are lower case.
    private static Checked<string> NameOf(Field field) =>
        Scalars.Text(field, "a DNS name of the configuration").Map(s => s.Text.ToLowerInvariant().TrimEnd('.'));

    private static Checked<ScenarioAction> ConfigOf(Field field, ScenarioSurroundings around)
    {
        if (field.Value is RawNode.Mapping inline)
        {
            var outcome = ConfigValidation.Validate(inline, HostFacts.Unknown);
            var errors = outcome.Findings.Filter(f => f.Severity == Severity.Error);
            return outcome.Config.Match(
                config => Checked.Good<ScenarioAction>(new ScenarioAction.Reload(config, "the one in the scenario")),
                () => new Checked<ScenarioAction>(Option<ScenarioAction>.None, errors));
        }

        return Scalars.Text(field, "a configuration, or the path of one").Then(scalar => around.Files
            .Find(f => f.Name == scalar.Text)
            .Match(
                named => named.Loaded.Outcome.Config.Match(
                    config => Checked.Good<ScenarioAction>(new ScenarioAction.Reload(config, named.Name)),
                    () => Checked.Bad<ScenarioAction>(Unusable(field, named))),
                () => ScenarioValues.Bad<ScenarioAction>(
                    field, "file_missing", "the path of a configuration", "name a file beside the scenario")));
    }

    private static Finding Unusable(Field field, NamedConfig named)
    {
        var first = named.Loaded.Outcome.Findings.Filter(f => f.Severity == Severity.Error)[0];
        return Faults.Error("config_invalid", field.Path, field.Value.At,
            $"{field.Path} is {Shown.Value(field.Value)}, which cannot be used: "
            + $"{FindingProblem.Line(named.Loaded.Path, first)}",
            first.Hint.Length > 0 ? first.Hint : $"see 'bal check --config {named.Loaded.Path}'");
    }

    // A latency for 'refuse' would be ignored in silence: the author means something that will not happen.
    private static IEnumerable<Finding> Strangers(ActionWord word, Fields fields) =>
        from key in ScenarioKeys.Event
        where key != ScenarioKeys.At && key != ScenarioKeys.Do && !word.Keys.Contains(key)
        from field in fields.Find(key).AsEnumerable()
        let owners = ActionWord.All.Filter(w => w.Keys.Contains(key)).Map(w => $"'do: {w.Word}'")
        select Faults.Error("misplaced_key", field.Path, field.KeyAt,
            $"{field.Path} does not apply to 'do: {word.Word}'; it belongs to {string.Join(", ", owners)}",
            $"remove '{key}:', or change 'do:'");

    private static string Words => $"one of {string.Join(", ", ActionWord.All.Map(w => w.Word))}";

    private static Checked<T> Required<T>(Fields fields, string key, string allowed, Func<Field, Checked<T>> read) =>
        fields.Find(key).Match(read, () => Checked.Bad<T>(Faults.Error("missing_key", fields.PathOf(key), fields.At,
            $"{fields.PathOf(key)} is missing: expected {allowed}", $"add '{key}:' to this event")));
}
