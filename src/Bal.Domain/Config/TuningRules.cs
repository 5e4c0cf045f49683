using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// The <c>runtime</c> that a service has: auto-tuning by its own number of backends, over it the block at the top level
/// of a file with several services, over that its own block.
/// </summary>
/// <param name="Shared">What the block at the top level says for every service; nothing where there is one.</param>
/// <param name="Own">What the service's block says.</param>
/// <param name="Backends">How many backends it lists.</param>
/// <param name="Asks">Whether one of its health checks has a backend answer.</param>
internal sealed record ServiceTuning(Edits<Tuning> Shared, Edits<Tuning> Own, int Backends, bool Asks)
{
    /// <summary>The values in effect.</summary>
    public Tuning Value { get; } = Own.Apply(Shared.Apply(Tuning.For(Backends, Asks)));

    /// <summary>Where the file sets a key for this service.</summary>
    public Option<Field> Find(string key) => Own.Given.Find(key) || Shared.Given.Find(key);

    /// <summary>Whether <paramref name="keys"/> are what the file says, none of them unreadable.</summary>
    public bool Sound(params ReadOnlySpan<string> keys) => Own.Sound(keys) && Shared.Sound(keys);

    /// <summary>How a message marks a value that the file does not set.</summary>
    public string Source(string key) => Find(key).IsSome ? ""
        : Asks && key is Settings.HealthInterval or Settings.HealthTimeout ? " (auto-tuned for checks that ask)"
        : $" (auto-tuned for {Backends} {(Backends == 1 ? "backend" : "backends")})";
}

/// <summary>Reads <c>runtime</c>, and knows which of its values belong together.</summary>
internal static class TuningRules
{
    /// <summary>The block; an absent or empty one sets nothing.</summary>
    public static Checked<Fields> Block(Fields parent, Arr<string> known) => parent.Find(Settings.RuntimeBlock).Match(
        field => field.Value switch
        {
            RawNode.Mapping mapping => Fields.Read(mapping, field.Path, known, Settings.PlaceOf),
            // Every key of the block commented out leaves a null behind; that sets nothing and is not a mistake.
            var empty when Scalars.IsNull(empty) => Checked.Good(Fields.None(field.Path, field.KeyAt)),
            _ => Checked.Good(Fields.None(field.Path, field.KeyAt)).With(
                [Scalars.WrongKind(field, "a mapping of keys",
                    "write each key on a line of its own, indented, without '- '")]),
        },
        () => Checked.Good(Fields.None(parent.PathOf(Settings.RuntimeBlock), parent.At)));

    /// <summary>Conflicts between two keys of a service; reported once if the top level sets them.</summary>
    public static IEnumerable<Finding> Findings(Arr<ReadService> services) => services
        .SelectMany(service => BackoffOrder(service.Tuning)
            .Concat(HealthTimeout(service.Tuning)).Concat(HalfClosed(service.Tuning)).Concat(SlowStart(service)))
        .DistinctBy(finding => $"{finding.Code} {finding.Path}");

    private static IEnumerable<Finding> BackoffOrder(ServiceTuning tuning)
    {
        var (initial, max) = (tuning.Value.Backoff.Initial.Milliseconds, tuning.Value.Backoff.Max.Milliseconds);
        var (initialGiven, maxGiven) = (tuning.Find(Settings.BackoffInitial), tuning.Find(Settings.BackoffMax));
        // A value that could not be read has its own finding; comparing the default in its place would mislead.
        if (max >= initial || !tuning.Sound(Settings.BackoffInitial, Settings.BackoffMax))
            return [];
        return (maxGiven || initialGiven).Map(field => Faults.Error(
            "backoff_max_below_initial", field.Path, field.Value.At,
            $"{Settings.BackoffMax} is {max}{tuning.Source(Settings.BackoffMax)}, less than {Settings.BackoffInitial}, "
                + $"which is {initial}{tuning.Source(Settings.BackoffInitial)}",
            maxGiven.IsNone ? $"also set {Settings.BackoffMax}, to at least {initial}"
            : initialGiven.IsNone
                ? $"raise it to at least {initial}, or also set {Settings.BackoffInitial}, to at most {max}"
            : $"raise it to at least {initial}")).AsEnumerable();
    }

    private static IEnumerable<Finding> HalfClosed(ServiceTuning tuning)
    {
        var idle = tuning.Value.IdleTimeout.Milliseconds;
        return !tuning.Sound(Settings.IdleTimeout, Settings.HalfClosedTimeout)
            ? []
            : from ms in tuning.Value.HalfClosedTimeoutMs.AsEnumerable()
              where idle > 0 && (ms > idle || ms == 0)
              from field in tuning.Find(Settings.HalfClosedTimeout).AsEnumerable()
              select Faults.Warning("half_closed_timeout_exceeds_idle", field.Path, field.Value.At,
                  $"{Settings.HalfClosedTimeout} is {(ms == 0 ? "0 (no limit)" : $"{ms}")}, more than "
                      + $"{Settings.IdleTimeout}, which is {idle}{tuning.Source(Settings.IdleTimeout)}: it has no "
                      + "effect",
                  "choose a value below the idle timeout, or remove the line");
    }

    // At the top level of several services it is meant for the others.
    private static IEnumerable<Finding> SlowStart(ReadService service) =>
        service.Config.Method != Method.SourceHash || !service.Edits.Sound(Settings.MethodKey)
            || !service.Tuning.Sound(Settings.SlowStart) || service.Tuning.Value.SlowStart == Primitives.Duration.Zero
            ? []
            : service.Tuning.Own.Given.Find(Settings.SlowStart).Map(field => Faults.Warning(
                "slow_start_without_effect", field.Path, field.Value.At,
                $"{Settings.SlowStart} has no effect with method {Words.Of(Method.SourceHash)}, where a backend that "
                    + "is back must have its own clients again",
                "remove the line, or choose another method")).AsEnumerable();

    private static IEnumerable<Finding> HealthTimeout(ServiceTuning tuning)
    {
        var (timeout, interval) = (tuning.Value.Health.Timeout, tuning.Value.Health.Interval);
        return timeout.Milliseconds <= interval.Milliseconds
            || !tuning.Sound(Settings.HealthTimeout, Settings.HealthInterval)
            ? []
            : (tuning.Find(Settings.HealthTimeout) || tuning.Find(Settings.HealthInterval)).Map(field => Faults.Warning(
                "health_timeout_exceeds_interval", field.Path, field.Value.At,
                $"{Settings.HealthTimeout} is {timeout.Milliseconds}, more than {Settings.HealthInterval}, which is "
                    + $"{interval.Milliseconds}: a backend that does not answer is probed less often than asked for",
                "choose a timeout of at most the interval")).AsEnumerable();
    }
}
