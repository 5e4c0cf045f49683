using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Bal.Domain.Config;
using Bal.Domain.Control;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>
/// Control state, events and effects as compact JSON in exactly one form: equal values give equal bytes, different ones
/// different bytes. What is read back may come from anywhere: every fault is a value, and what is accepted is something
/// that the machine can take.
/// </summary>
public static class CanonicalJson
{
    /// <summary>Compact, and readable where the text is: it never goes into HTML.</summary>
    public static readonly JsonWriterOptions Form = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>Writes a whole state as one JSON value.</summary>
    public static void Write(Utf8JsonWriter json, ControlState state) => StateCodec.State.Write(json, state);

    /// <summary>Writes an event as one JSON value.</summary>
    public static void Write(Utf8JsonWriter json, ControlEvent happened) => EventCodec.Event.Write(json, happened);

    /// <summary>Writes an effect as one JSON value.</summary>
    public static void Write(Utf8JsonWriter json, ControlEffect effect) => EffectText.Write(json, effect);

    /// <summary>Writes a configuration as one JSON value.</summary>
    public static void Write(Utf8JsonWriter json, BalConfig config) => ConfigCodec.Config.Write(json, config);

    /// <summary>Reads a state.</summary>
    public static Either<CodecFault, ControlState> ReadState(JsonElement json) => Given(StateCodec.State.Read(json));

    /// <summary>Reads an event.</summary>
    public static Either<CodecFault, ControlEvent> ReadEvent(JsonElement json) => Given(EventCodec.Event.Read(json));

    /// <summary>Reads a configuration.</summary>
    public static Either<CodecFault, BalConfig> ReadConfig(JsonElement json) => Given(ConfigCodec.Config.Read(json));

    /// <summary>What is told outside of the codecs, whose values are all of reference types.</summary>
    internal static Either<CodecFault, T> Given<T>(Decoded<T> decoded)
        where T : class =>
        decoded.Match(Either<CodecFault, T>.Right, Either<CodecFault, T>.Left);

    /// <summary>The bytes of what <paramref name="write"/> writes.</summary>
    public static byte[] Bytes(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Form))
            write(json);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads what <paramref name="read"/> reads out of a JSON text of at most 64 levels.</summary>
    public static Either<CodecFault, T> Parse<T>(
        ReadOnlyMemory<byte> text, Func<JsonElement, Either<CodecFault, T>> read)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return read(document.RootElement);
        }
        catch (JsonException fault)
        {
            // Its message may quote the rest of the line, which has no bound.
            return new CodecFault("", $"this is no JSON from byte {(fault.BytePositionInLine ?? 0) + 1} of the line on");
        }
    }
}
