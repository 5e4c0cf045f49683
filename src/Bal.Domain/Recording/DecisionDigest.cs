using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>
/// What a step came to, in 128 bits. It shows a difference; it does not withstand somebody who wants to hide one.
/// </summary>
/// <param name="State">Of the whole state after the step.</param>
/// <param name="Effects">Of the effects, in order.</param>
public readonly record struct DecisionDigest(ulong State, ulong Effects)
{
    /// <summary>32 hexadecimal digits, those of the state first.</summary>
    public string ToText() => string.Create(CultureInfo.InvariantCulture, $"{State:x16}{Effects:x16}");

    /// <summary>Reads <see cref="ToText"/> back.</summary>
    public static Option<DecisionDigest> Parse(string text) =>
        text.Length == 32 && Hex.Parse(text.AsSpan(0, 16)) is { } state && Hex.Parse(text.AsSpan(16)) is { } effects
            ? new DecisionDigest(state, effects)
            : Option<DecisionDigest>.None;
}

/// <summary>
/// The effects of a step in a form that versions of bal have in common, so that a later one can compare: what was to be
/// done with whom, without log lines and details, and without order, since none is promised within a step.
/// </summary>
/// <param name="Value">64 bits.</param>
public sealed record EffectDigest(ulong Value)
{
    /// <summary>The digest of some effects.</summary>
    public static EffectDigest Of(Arr<ControlEffect> effects) => new(XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(
        string.Join('\n', effects.Map(InCommon).Filter(text => text.Length > 0)
            .Distinct().Order(StringComparer.Ordinal)))));

    private static string InCommon(ControlEffect effect) => effect.Match(
        publish: e => Text($"publish {e.Service.Value}"),
        startProbe: e => Text($"start_probe {e.Backend.Value}"),
        resolve: e => $"resolve {e.Name}",
        log: _ => "",
        forget: e => Text($"forget {e.Backend.Value}"),
        forgetService: e => Text($"forget_service {e.Service.Value}"),
        stopAccepting: () => "stop_accepting",
        cut: e => Text($"cut {e.OneOf}"),
        reset: e => Text($"reset {e.Backend.Value}"),
        keepOverrides: _ => "keep_overrides",
        exit: () => "exit");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// The digest of a state: the sum of the digests of its parts, so that the next one costs what a step has changed. That
/// is one backend, and there may be thousands.
/// </summary>
public sealed class StateDigest
{
    private static readonly BalConfig NoConfig = new(Mode.Simple, LogLevel.Info, Option<int>.None, Arr<Service>.Empty);

    private static readonly Service NoService = new(
        "", new Listener(new Primitives.Host.Name(""), 0), Method.RoundRobin, Arr<BackendConfig>.Empty, Tuning.For(1));

    private readonly ControlState state;

    private StateDigest(ControlState state, ulong value) => (this.state, Value) = (state, value);

    /// <summary>The digest.</summary>
    public ulong Value { get; }

    /// <summary>The digest of <paramref name="state"/>.</summary>
    public static StateDigest Of(ControlState state) => new(state, Change(null, state));

    /// <summary>The same of a state that came out of the one that this digest is of; only faster.</summary>
    public StateDigest Next(ControlState next) => new(next, unchecked(Value + Change(state, next)));

    /// <summary>
    /// The same of what a step made of the state that this digest is of; it costs what the step changed.
    /// </summary>
    public StateDigest Next(ControlStep step) => step.Touched is { } touched
        ? new(step.State, unchecked(Value + Change(state, step.State, touched)))
        : Next(step.State);

    /// <summary>The digest of a step whose state has this digest.</summary>
    public DecisionDigest With(Arr<ControlEffect> effects) =>
        new(Value, XxHash3.HashToUInt64(CanonicalJson.Bytes(EffectCodec.Effects, effects)));

    // What remains once the larger parts are taken out is written as it is, so that no member is ever forgotten.
    private static ulong Change(ControlState? from, ControlState to)
    {
        var sum = Change(ConfigCodec.Config, 1, from?.Config, to.Config);
        ForEach(from?.Services ?? Map<int, ServiceState>.Empty, to.Services, (id, before, after) =>
            sum = unchecked(sum + Change(id, before, after)));
        return unchecked(sum + Change(StateCodec.State, 2, from is null ? null : Rest(from), Rest(to)));
    }

    private static ulong Change(ControlState from, ControlState to, Touched touched)
    {
        var sum = unchecked(
            Change(ConfigCodec.Config, 1, from.Config, to.Config) + Change(StateCodec.State, 2, Rest(from), Rest(to)));
        foreach (var its in touched.Homes.Distinct().GroupBy(home => home.Service.Value))
        {
            var (before, after) = (from.Services[its.Key], to.Services[its.Key]);
            sum = unchecked(sum + ChangeOfRest(its.Key, before, after));
            foreach (var place in its.Select(home => home.Place).Where(place => place >= 0))
                sum = unchecked(sum + ChangeOfBackend(its.Key, place, before.Backends[place], after.Backends[place]));
        }

        return sum;
    }

    private static ulong Change(int id, ServiceState? from, ServiceState? to)
    {
        var sum = ChangeOfRest(id, from, to);
        ForEach(
            from?.Backends ?? Map<int, BackendState>.Empty,
            to?.Backends ?? Map<int, BackendState>.Empty,
            (place, before, after) => sum = unchecked(sum + ChangeOfBackend(id, place, before, after)));
        return sum;
    }

    private static ulong ChangeOfRest(int id, ServiceState? from, ServiceState? to) => unchecked(
        Change(ConfigCodec.Service, Seed(id, 0), from?.Config, to?.Config)
        + Change(StateCodec.Service, Seed(id, 1), Rest(from), Rest(to)));

    private static ulong ChangeOfBackend(int id, int place, BackendState? from, BackendState? to) =>
        Change(BackendCodec.Backend, Seed(id, 2 + place), from, to);

    private static long Seed(int service, int part) => ((service + 1L) << 32) + part;

    // Both are in the order of their keys.
    private static void ForEach<T>(Map<int, T> from, Map<int, T> to, Action<int, T?, T?> onChange) where T : class
    {
        using var before = from.GetEnumerator();
        using var after = to.GetEnumerator();
        var (hasBefore, hasAfter) = (before.MoveNext(), after.MoveNext());
        while (hasBefore || hasAfter)
        {
            var order = !hasBefore ? 1 : !hasAfter ? -1 : before.Current.Key.CompareTo(after.Current.Key);
            var old = order <= 0 ? before.Current.Value : null;
            var now = order >= 0 ? after.Current.Value : null;
            if (!ReferenceEquals(old, now))
                onChange(order <= 0 ? before.Current.Key : after.Current.Key, old, now);
            hasBefore = order <= 0 ? before.MoveNext() : hasBefore;
            hasAfter = order >= 0 ? after.MoveNext() : hasAfter;
        }
    }

    private static ControlState Rest(ControlState state) =>
        state with { Config = NoConfig, Services = Map<int, ServiceState>.Empty };

    private static ServiceState? Rest(ServiceState? service) =>
        service is null ? null : service with { Config = NoService, Backends = Map<int, BackendState>.Empty };

    // The seed is different for each place, so that two parts do not make up for each other by changing places.
    private static ulong Change<T>(Codec<T> codec, long seed, T? from, T? to) where T : class =>
        ReferenceEquals(from, to) ? 0 : unchecked(Of(codec, seed, to) - Of(codec, seed, from));

    private static ulong Of<T>(Codec<T> codec, long seed, T? part) where T : class =>
        part is null ? 0 : XxHash3.HashToUInt64(CanonicalJson.Bytes(codec, part), seed);
}
