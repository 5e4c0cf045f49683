using System.Globalization;
using System.IO.Hashing;
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
/// The digest of a state. It is made of the digests of the parts, so that the next state costs what has changed in it.
/// </summary>
public sealed class StateDigest
{
    private readonly Part<BalConfig> config;
    private readonly Map<int, ServiceParts> services;

    private StateDigest(Part<BalConfig> config, Map<int, ServiceParts> services, ulong value) =>
        (this.config, this.services, Value) = (config, services, value);

    /// <summary>The digest.</summary>
    public ulong Value { get; }

    /// <summary>The digest of <paramref name="state"/>.</summary>
    public static StateDigest Of(ControlState state) => Of(state, null);

    /// <summary>The same of a state that came out of the one that this digest is of; only faster.</summary>
    public StateDigest Next(ControlState state) => Of(state, this);

    /// <summary>The digest of a step whose state has this digest.</summary>
    public DecisionDigest With(Arr<ControlEffect> effects) => new(
        Value,
        XxHash3.HashToUInt64(CanonicalJson.Bytes(json =>
        {
            json.WriteStartArray();
            foreach (var effect in effects)
                CanonicalJson.Write(json, effect);
            json.WriteEndArray();
        })));

    private static StateDigest Of(ControlState state, StateDigest? before)
    {
        var config = Part<BalConfig>.Next(ConfigCodec.Config, state.Config, before?.config);
        var services = state.Services.Map((id, service) => ServiceParts.Next(
            service, before?.services.Find(id).MatchUnsafe(parts => parts, () => null)));
        var rest = state with { Config = Blank, Services = Map<int, ServiceState>.Empty };
        var value = Digests.Of(
            CanonicalJson.Bytes(json => CanonicalJson.Write(json, rest)),
            services.Values.Select(service => service.Digest).Prepend(config.Digest));
        return new(config, services, value);
    }

    private static readonly BalConfig Blank = new(Mode.Simple, LogLevel.Info, Option<int>.None, Arr<Service>.Empty);
}
