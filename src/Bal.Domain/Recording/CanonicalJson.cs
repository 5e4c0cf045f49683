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
    /// <summary>The form of a whole state.</summary>
    public static readonly Codec<ControlState> State = StateCodec.State;

    /// <summary>The form of an event.</summary>
    public static readonly Codec<ControlEvent> Event = EventCodec.Event;

    /// <summary>The form of an effect.</summary>
    public static readonly Codec<ControlEffect> Effect = EffectCodec.Effect;

    /// <summary>The form of a configuration.</summary>
    public static readonly Codec<BalConfig> Config = ConfigCodec.Config;

    /// <summary>Compact, and readable where the text is: it never goes into HTML.</summary>
    public static readonly JsonWriterOptions Form = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>The bytes of a value.</summary>
    public static byte[] Bytes<T>(Codec<T> codec, T value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Form))
            codec.Write(Walk.Writing(json), value);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The members in a value that a reader may not ignore, as a document of it lists them.</summary>
    public static Arr<string> MustKnow<T>(Codec<T> codec, T value)
    {
        using var json = new Utf8JsonWriter(new ArrayBufferWriter<byte>(), Form);
        var walk = Walk.Writing(json);
        codec.Write(walk, value);
        return new(walk.MustKnow);
    }

    /// <summary>Reads a value out of a JSON text of at most 64 levels.</summary>
    public static Either<CodecFault, T> Read<T>(Codec<T> codec, ReadOnlyMemory<byte> text)
        where T : class
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var walk = Walk.Reading();
            var value = codec.Read(walk, document.RootElement);
            return walk.Fault is null ? value : walk.Fault;
        }
        catch (JsonException fault)
        {
            // Its message may quote the rest of the line, which has no bound.
            return new CodecFault("", $"invalid JSON at byte {(fault.BytePositionInLine ?? 0) + 1}");
        }
    }
}
