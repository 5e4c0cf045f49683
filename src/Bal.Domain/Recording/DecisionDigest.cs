using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Bal.Domain.Balancing;
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
/// The effects of a step in a form that versions of bal have in common, so that a later one can compare: what was to be done
/// with whom, without log lines and details, and without order, since none is promised within a step.
/// </summary>
/// <param name="Value">64 bits.</param>
public sealed record EffectDigest(ulong Value)
{
    /// <summary>The digest of some effects.</summary>
    public static EffectDigest Of(Arr<ControlEffect> effects) => new(XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(
        string.Join('\n', effects.Map(InCommon).Filter(text => text.Length > 0).Distinct().Order(StringComparer.Ordinal)))));

    private static string InCommon(ControlEffect effect) => effect.Match(
        publish: e => $"publish {e.Table.Service}",
        startProbe: e => Text($"start_probe {e.Backend.Value}"),
        resolve: e => $"resolve {e.Name}",
        log: _ => "",
        forget: e => Text($"forget {e.Backend.Value}"),
        stopAccepting: () => "stop_accepting",
        cut: e => Text($"cut {e.OneOf}"),
        exit: () => "exit");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// The digest of a state: the sum of the digests of its parts, so that the next one costs what has changed. A step changes
/// one backend, and there may be thousands.
/// </summary>
public sealed class StateDigest
{
    private static readonly BalConfig NoConfig = new(Mode.Simple, LogLevel.Info, Option<int>.None, Arr<Service>.Empty);

    private static readonly Service NoService = new(
        "", new Listener(new Primitives.Host.Name(""), 0), Method.RoundRobin, Arr<BackendConfig>.Empty, Tuning.For(1));

    private static readonly RoutingTable NoTable = Publishing.Unpublished(NoService);

    private readonly ControlState state;

    private StateDigest(ControlState state, ulong value) => (this.state, Value) = (state, value);

    /// <summary>The digest.</summary>
    public ulong Value { get; }

    /// <summary>The digest of <paramref name="state"/>.</summary>
    public static StateDigest Of(ControlState state) => new(state, Change(null, state));

    /// <summary>The same of a state that came out of the one that this digest is of; only faster.</summary>
    public StateDigest Next(ControlState next) => new(next, unchecked(Value + Change(state, next)));

    /// <summary>The digest of a step whose state has this digest.</summary>
    public DecisionDigest With(Arr<ControlEffect> effects) =>
        new(Value, XxHash3.HashToUInt64(CanonicalJson.Bytes(EffectCodec.Effects, effects)));

    // What remains once the larger parts are taken out is written as it is, so that no member is ever forgotten.
    private static ulong Change(ControlState? from, ControlState to)
    {
        var sum = Change(ConfigCodec.Config, 1, from?.Config, to.Config);
        for (var i = 0; i < Math.Max(from?.Services.Count ?? 0, to.Services.Count); i++)
            sum = unchecked(sum + Change(i, At(from?.Services, i), At<ServiceState>(to.Services, i)));
        return unchecked(sum + Change(StateCodec.State, 2, from is null ? null : Rest(from), Rest(to)));
    }

    private static ulong Change(int place, ServiceState? from, ServiceState? to)
    {
        if (ReferenceEquals(from, to))
            return 0;
        var seed = (place + 1L) << 32;
        var sum = Change(ConfigCodec.Service, seed, from?.Config, to?.Config);
        for (var i = 0; i < Math.Max(from?.Backends.Count ?? 0, to?.Backends.Count ?? 0); i++)
            sum = unchecked(sum + Change(BackendCodec.Backend, seed + 3 + i, At(from?.Backends, i), At(to?.Backends, i)));
        sum = unchecked(sum + Change(TableCodec.Table, seed + 1, from?.Table, to?.Table));
        return unchecked(sum + Change(StateCodec.Service, seed + 2, Rest(from), Rest(to)));
    }

    private static ControlState Rest(ControlState state) =>
        state with { Config = NoConfig, Services = Arr<ServiceState>.Empty };

    private static ServiceState? Rest(ServiceState? service) => service is null
        ? null
        : service with { Config = NoService, Backends = Arr<BackendState>.Empty, Table = NoTable };

    private static T? At<T>(Arr<T>? items, int index) where T : class =>
        items is { } list && index < list.Count ? list[index] : null;

    // The seed is different for each place, so that two parts do not make up for each other by changing places.
    private static ulong Change<T>(Codec<T> codec, long seed, T? from, T? to) where T : class =>
        ReferenceEquals(from, to) ? 0 : unchecked(Of(codec, seed, to) - Of(codec, seed, from));

    private static ulong Of<T>(Codec<T> codec, long seed, T? part) where T : class =>
        part is null ? 0 : XxHash3.HashToUInt64(CanonicalJson.Bytes(codec, part), seed);
}
