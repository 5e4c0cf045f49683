using System.Text.Json;
using Bal.Domain.Control;
using Bal.Domain.Messages;

namespace Bal.Domain.Recording;

/// <summary>
/// The form of what the core wants done. It is compared and never read back, so there is only one way.
/// </summary>
internal static class EffectText
{
    public static void Write(Utf8JsonWriter json, ControlEffect effect)
    {
        json.WriteStartObject();
        json.WriteString("kind", Kind(effect));
        switch (effect)
        {
            case ControlEffect.Publish e:
                json.WriteNumber("service", e.Service.Value);
                break;
            case ControlEffect.StartProbe e:
                json.Put("backend", Scalar.Id, e.Backend);
                json.Put("addresses", TableCodec.Addresses, e.Addresses);
                json.Put("port", Scalar.Port, e.Port);
                json.Put("timeout_ms", Scalar.Span, e.Timeout);
                break;
            case ControlEffect.Resolve e:
                json.Put("name", Scalar.Text, e.Name);
                break;
            case ControlEffect.Log e:
                Write(json, e.Line);
                break;
            case ControlEffect.Forget e:
                json.Put("backend", Scalar.Id, e.Backend);
                break;
            case ControlEffect.ForgetService e:
                json.WriteNumber("service", e.Service.Value);
                break;
            case ControlEffect.Cut e:
                json.Put("one_of", Scalar.Count, e.OneOf);
                break;
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, LogEvent line)
    {
        json.Put("level", ConfigCodec.Level, line.Level);
        json.Put("module", Scalar.Text, line.Module);
        json.Put("event", Scalar.Text, line.Event);
        json.Put("message", Scalar.Text, line.Message);
        json.WriteStartArray("fields");
        foreach (var field in line.Fields)
        {
            // A list of pairs: a name may repeat.
            json.WriteStartArray();
            json.WriteStringValue(field.Name);
            Write(json, field.Value);
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, LogValue value)
    {
        switch (value)
        {
            case LogValue.Text text:
                json.WriteStringValue(text.Value);
                break;
            case LogValue.Number number:
                json.WriteNumberValue(number.Value);
                break;
            case LogValue.Flag flag:
                json.WriteBooleanValue(flag.Value);
                break;
            default:
                json.WriteNullValue();
                break;
        }
    }

    private static string Kind(ControlEffect effect) => effect.Match(
        publish: _ => "publish",
        startProbe: _ => "start_probe",
        resolve: _ => "resolve",
        log: _ => "log",
        forget: _ => "forget",
        forgetService: _ => "forget_service",
        stopAccepting: () => "stop_accepting",
        cut: _ => "cut",
        exit: () => "exit");
}
