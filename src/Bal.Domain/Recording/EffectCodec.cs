using System.Net;
using System.Text.Json;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Relay;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The form of what the core wants done.</summary>
internal static class EffectCodec
{
    private static readonly Codec<LogValue> Values = new(
        (walk, value) =>
        {
            switch (value)
            {
                case LogValue.Text text: walk.Json.WriteStringValue(text.Value); break;
                case LogValue.Number number: walk.Json.WriteNumberValue(number.Value); break;
                case LogValue.Flag flag: walk.Json.WriteBooleanValue(flag.Value); break;
                default: walk.Json.WriteNullValue(); break;
            }
        },
        (walk, json) => json.ValueKind switch
        {
            JsonValueKind.String => new LogValue.Text(Scalar.Text.Read(walk, json)),
            JsonValueKind.Number => new LogValue.Number(Scalar.Number.Read(walk, json)),
            JsonValueKind.Null => LogValue.Absent,
            _ => new LogValue.Flag(Scalar.Flag.Read(walk, json)),
        });

    // A list and no object: a name may repeat.
    private static readonly Codec<Arr<LogField>> LogFields = Codec.List(Codec.Object<LogField>(m => new(
        m.Of("name", Scalar.Text, f => f.Name),
        m.Of("value", Values, f => f.Value))));

    private static readonly Codec<LogEvent> Line = Codec.Object<LogEvent>(m => new(
        m.Of("level", ConfigCodec.Level, l => l.Level),
        m.Of("module", Scalar.Text, l => l.Module),
        m.Of("event", Scalar.Text, l => l.Event),
        m.Of("message", Scalar.Text, l => l.Message),
        m.Of("fields", LogFields, l => l.Fields)));

    private static readonly Codec<TerminationReason> Reasons = Codec.Words(
        new Arr<TerminationReason>(Enum.GetValues<TerminationReason>()), reason => ServiceCounters.Of(reason).Word);

    private static readonly Codec<ProxyVersion> Headers = Codec.Words(
        new Arr<ProxyVersion>(Enum.GetValues<ProxyVersion>()), Words.Of);

    public static readonly Codec<ControlEffect> Effect = Union.Tagged<ControlEffect>("kind")
        .Case<ControlEffect.Publish>("publish", m => new(m.Of("service", Scalar.Service, e => e.Service)))
        .Case<ControlEffect.StartProbe>("start_probe", m => new(
            m.Of("backend", Scalar.Id, e => e.Backend),
            m.Of("addresses", BackendCodec.Addresses, e => e.Addresses),
            m.Of("port", Scalar.Port, e => e.Port),
            m.Of("timeout_ms", Scalar.Span, e => e.Timeout))
        {
            Check = m.Unless("health_check", ConfigCodec.Check, e => e.Check, HealthCheck.Default),
            Header = m.Unless("proxy_header", Headers, e => e.Header, ProxyVersion.None),
            Sources = m.Unless("source_addresses", BackendCodec.Addresses, e => e.Sources, Arr<IPAddress>.Empty),
            Unix = m.Unless("unix", Codec.Maybe(Scalar.Text), e => e.Unix, Option<string>.None),
        })
        .Case<ControlEffect.Resolve>("resolve", m => new(m.Of("name", Scalar.Text, e => e.Name)))
        .Case<ControlEffect.Log>("log", m => new(m.Of("line", Line, e => e.Line)))
        .Case<ControlEffect.Forget>("forget", m => new(m.Of("backend", Scalar.Id, e => e.Backend)))
        .Case<ControlEffect.ForgetService>("forget_service", m => new(
            m.Of("service", Scalar.Service, e => e.Service)))
        .Case<ControlEffect.StopAccepting>("stop_accepting", _ => new())
        .Case<ControlEffect.Cut>("cut", m => new(m.Of("one_of", Scalar.Count, e => e.OneOf)))
        .Case<ControlEffect.Reset>("reset", m => new(
            m.Of("backend", Scalar.Id, e => e.Backend),
            m.Of("reason", Reasons, e => e.Reason)))
        .Case<ControlEffect.KeepOverrides>("keep_overrides", m => new(m.Of("change", Scalar.Total, e => e.Change)))
        .Case<ControlEffect.Exit>("exit", _ => new())
        .Codec;

    public static readonly Codec<Arr<ControlEffect>> Effects = Codec.List(Effect);
}
