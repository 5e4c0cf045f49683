using Bal.Domain.Config;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Simulation;

/// <summary>Reads <c>expect</c>: a mapping, or a list of them.</summary>
internal static class ExpectationRules
{
    private static readonly Duration Longest = Scenario.MaxLength;

    /// <summary>Every expectation, in the order of the keys' list within one mapping.</summary>
    public static Checked<Arr<Expectation>> Read(Fields top, Duration end, ScenarioSurroundings around) =>
        top.Find(ScenarioKeys.Expect).Match(
            field => field.Value switch
            {
                RawNode.Sequence list => Checked
                    .Each(list.Items, (item, i) =>
                        One(new Field($"{ScenarioKeys.Expect}[{i}]", item.At, item), end, around))
                    .Map(all => new Arr<Expectation>(all.SelectMany(some => some))),
                RawNode.Mapping => One(new Field(ScenarioKeys.Expect, field.Value.At, field.Value), end, around),
                var empty when Scalars.IsNull(empty) => Checked.Good(Arr<Expectation>.Empty),
                _ => Checked.Bad<Arr<Expectation>>(Scalars.WrongKind(
                    field, "a list of expectations", "start each one with '- ', such as '- failed: 0'")),
            },
            () => Checked.Good(Arr<Expectation>.Empty));

    private static Checked<Arr<Expectation>> One(Field item, Duration end, ScenarioSurroundings around) =>
        item.Value is RawNode.Mapping mapping
            ? Fields.Read(mapping, item.Path, ExpectationKeys.All).Then(fields => Of(fields, end, around))
            : Checked.Bad<Arr<Expectation>>(Scalars.WrongKind(item, "a mapping", "write 'failed: 0' or the like"));

    private static Checked<Arr<Expectation>> Of(Fields fields, Duration end, ScenarioSurroundings around)
    {
        var counts = Checked.Each(ExpectationKeys.Counts, (key, _) => Each(fields, key.Key, f =>
            Scalars.Integer(f, new IntRange(0, int.MaxValue, "")).Map(bound =>
                (Expectation)new Expectation.Count(key.Number, bound, key.Limit))));
        var p99 = Each(fields, ExpectationKeys.FailoverP99, f => ScenarioValues.Span(f, Duration.Zero, Longest)
            .Map(bound => (Expectation)new Expectation.FailoverP99(bound)));
        var protection = Each(fields, ExpectationKeys.Protection, f =>
            Scalars.Choice(f, new Arr<bool>([true, false]), on => on ? "on" : "off").And(
                At(fields, f, end), (on, at) => new { on, at }).And(
                ScenarioValues.ServiceBeside(fields, around),
                (o, service) => (Expectation)new Expectation.Protection(o.on, o.at, service)));
        var state = Each(fields, ExpectationKeys.State, f => Scalars.Choice(f, LaneText.All, LaneText.Of).And(
            Backend(fields, f, around), (s, backend) => new { s, backend }).And(
                At(fields, f, end), (o, at) => (Expectation)new Expectation.State(o.backend, o.s, at)));
        var rotation =
            Each(fields, ExpectationKeys.OutOfRotation, f => ScenarioValues.Span(f, Duration.Zero, Longest).And(
            Backend(fields, f, around), (bound, backend) =>
                (Expectation)new Expectation.OutOfRotation(backend, bound)));
        return Join(counts.Map(all => new Arr<Expectation>(all.SelectMany(one => one))), p99, protection, state,
            rotation)
            .With(Idle(fields));
    }

    private static Checked<Arr<Expectation>> Join(params Checked<Arr<Expectation>>[] parts) =>
        parts.Aggregate((left, right) => left.And(right, (a, b) => a.AddRange(b)));

    private static Checked<Arr<Expectation>> Each(Fields fields, string key, Func<Field, Checked<Expectation>> read) =>
        fields.Find(key).Match(f => read(f).Map(e => Prelude.Array(e)), () => Checked.Good(Arr<Expectation>.Empty));

    private static Checked<Instant> At(Fields fields, Field why, Duration end) => Beside(
        fields, why, ScenarioKeys.At, "10s", f =>
            ScenarioValues.Span(f, Duration.Zero, end).Map(at => Instant.Zero.Plus(at)));

    private static Checked<BackendRef> Backend(Fields fields, Field why, ScenarioSurroundings around) => Beside(
        fields, why, ScenarioKeys.Backend, "1", f => ScenarioValues.Backend(f, fields, around));

    private static Checked<T> Beside<T>(
        Fields fields, Field why, string key, string example, Func<Field, Checked<T>> read) => fields.Find(key).Match(
        read,
        () => Checked.Bad<T>(Faults.Error("missing_key", fields.PathOf(key), why.KeyAt,
            $"{fields.PathOf(key)} is missing; {why.Path} needs it", $"add '{key}: {example}' beside it")));

    // 'at: 10s' alone, or beside 'failed', expects nothing: that is a slip, not a wish.
    private static IEnumerable<Bal.Domain.Messages.Finding> Idle(Fields fields) =>
        from use in (IEnumerable<KeyUse>)
        [
            new(ScenarioKeys.At, new([ExpectationKeys.Protection, ExpectationKeys.State])),
            new(ScenarioKeys.Backend, new([ExpectationKeys.State, ExpectationKeys.OutOfRotation])),
            new(ScenarioKeys.Service, new(
                [ExpectationKeys.Protection, ExpectationKeys.State, ExpectationKeys.OutOfRotation])),
        ]
        from field in fields.Find(use.Key).AsEnumerable()
        where use.With.ForAll(key => fields.Find(key).IsNone)
        select Faults.Error("misplaced_key", field.Path, field.KeyAt,
            $"{field.Path} is on its own; it belongs beside {string.Join(" or ", use.With)}",
            "add it to the same mapping, or remove it");

    private sealed record KeyUse(string Key, Arr<string> With);
}
