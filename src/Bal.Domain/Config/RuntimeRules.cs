using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>What the <c>runtime</c> block says, completed by auto-tuning.</summary>
/// <param name="Tuning">The policies.</param>
/// <param name="Threads">The number of event loops; none means one per usable core.</param>
/// <param name="Given">The block as written, to see which values the file itself sets.</param>
internal sealed record Runtime(Tuning Tuning, Option<int> Threads, Fields Given);

/// <summary>Reads <c>runtime</c>.</summary>
internal static class RuntimeRules
{
    private const string ThreadsAllowed = "auto, or an integer from 1 to 1024";

    /// <summary>
    /// The block laid over the values auto-tuned for <paramref name="backends"/> backends. An unreadable value is an
    /// error
    /// and leaves its auto-tuned value in place, so that what depends on the others is still checked.
    /// </summary>
    public static Checked<Runtime> Read(Fields top, int backends) => Block(top).Then(given =>
    {
        var auto = Tuning.For(backends);
        var numbers = RuntimeNumber.All.Fold(Checked.Good(auto), (soFar, number) => given.Find(number.Key).Match(
            field => Overlay(soFar, Scalars.Integer(field, number.Range), number.Set),
            () => soFar));
        var overload = given.Find(ConfigKeys.OverloadPolicy).Match(
            field => Scalars.Choice(field, ConfigWords.OverloadPolicies, ConfigWords.Of),
            () => Checked.Good(auto.OverloadPolicy));
        var relay = given.Find(ConfigKeys.Relay).Match(
            field => Scalars.Choice(field, ConfigWords.RelayModes, ConfigWords.Of),
            () => Checked.Good(auto.Relay));
        var threads = given.Find(ConfigKeys.Threads).Match(ThreadsOf, () => Checked.Good(Option<int>.None));
        var policies = Overlay(numbers, overload, (tuning, policy) => tuning with { OverloadPolicy = policy });
        return Overlay(policies, relay, (tuning, mode) => tuning with { Relay = mode })
            .Then(tuning => Checked.Good(tuning).With(BackoffOrder(tuning, given, backends)))
            .And(threads, (tuning, count) => new Runtime(tuning, count, given));
    });

    private static Checked<Fields> Block(Fields top) => top.Find(ConfigKeys.RuntimeBlock).Match(
        field => field.Value switch
        {
            RawNode.Mapping mapping => Fields.Read(mapping, field.Path, ConfigKeys.Runtime),
            // Every key of the block commented out leaves a null behind; that sets nothing and is no mistake.
            var empty when Scalars.IsNull(empty) => Checked.Good(Fields.None(field.Path, field.KeyAt)),
            _ => Checked.Good(Fields.None(field.Path, field.KeyAt)).With(
                [Scalars.WrongKind(field, "a mapping of keys",
                    "write each key on a line of its own, indented, without '- '")]),
        },
        () => Checked.Good(Fields.None(ConfigKeys.RuntimeBlock, top.At)));

    private static Checked<Tuning> Overlay<T>(Checked<Tuning> under, Checked<T> over, Func<Tuning, T, Tuning> set) =>
        new(under.Value.Map(tuning => over.Value.Match(value => set(tuning, value), () => tuning)),
            under.Findings + over.Findings);

    private static Checked<Option<int>> ThreadsOf(Field field) => Scalars.Text(field, ThreadsAllowed).Then(scalar =>
        scalar.Text == "auto"
            ? Checked.Good(Option<int>.None)
            : Scalars.Integer(field, scalar, IntRange.Threads, ThreadsAllowed).Map(Option<int>.Some));

    private static IEnumerable<Finding> BackoffOrder(Tuning tuning, Fields given, int backends)
    {
        var (initial, max) = (tuning.Backoff.Initial.Milliseconds, tuning.Backoff.Max.Milliseconds);
        var initialGiven = given.Find(RuntimeNumber.BackoffInitial);
        var maxGiven = given.Find(RuntimeNumber.BackoffMax);
        var culprit = maxGiven || initialGiven;
        // A value that could not be read is reported as such; comparing what stands in for it would say nothing.
        if (max >= initial || !Readable(initialGiven) || !Readable(maxGiven))
            return [];
        var auto = $" (auto-tuned for {backends} {(backends == 1 ? "backend" : "backends")})";
        return culprit.Map(field => Faults.Error("backoff_max_below_initial", field.Path, field.Value.At,
            $"{given.PathOf(RuntimeNumber.BackoffMax)} is {max}{(maxGiven.IsNone ? auto : "")}, less than "
                + $"{RuntimeNumber.BackoffInitial}, which is {initial}{(initialGiven.IsNone ? auto : "")}; "
                + "allowed is a maximum of at least the initial value",
            maxGiven.IsNone ? $"also set {RuntimeNumber.BackoffMax}, to at least {initial}"
            : initialGiven.IsNone
                ? $"raise it to at least {initial}, or also set {RuntimeNumber.BackoffInitial}, to at most {max}"
            : $"raise it to at least {initial}")).AsEnumerable();
    }

    private static bool Readable(Option<Field> field) =>
        field.Map(f => Scalars.Integer(f, IntRange.PositiveMs).Value.IsSome).IfNone(true);
}
