using System.Text.Json;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>Why a JSON text does not say what it should.</summary>
/// <param name="Path">The member, such as <c>services[0].name</c>; empty for the text as a whole.</param>
/// <param name="Reason">What belongs there.</param>
public sealed record CodecFault(string Path, string Reason)
{
    /// <summary>Both in one line.</summary>
    public string ToText() => Path.Length == 0 ? Reason : $"{Path}: {Reason}";

    internal CodecFault Under(string parent) => this with
    {
        Path = Path.Length == 0 ? parent : Path[0] == '[' ? parent + Path : $"{parent}.{Path}",
    };
}

/// <summary>
/// The one form of a type in JSON: the same value is always the same bytes, and these bytes are the value again.
/// </summary>
/// <param name="Write">Writes one JSON value.</param>
/// <param name="Read">Reads it; total over every JSON value.</param>
internal sealed record Codec<T>(Action<Utf8JsonWriter, T> Write, Func<JsonElement, Decoded<T>> Read)
{
    /// <summary>The form of a type that wraps this one.</summary>
    public Codec<TOuter> Wrap<TOuter>(Func<TOuter, T> unwrap, Func<T, TOuter> wrap) =>
        new((json, value) => Write(json, unwrap(value)), json => Read(json).Map(wrap));

    /// <summary>The same form, in which only what <paramref name="allowed"/> accepts is a value.</summary>
    public Codec<T> Where(Func<T, bool> allowed, string reason) => this with
    {
        Read = json => Read(json).Bind(value => allowed(value)
            ? Decoded<T>.Of(value)
            : new CodecFault("", reason)),
    };
}

/// <summary>How codecs are put together.</summary>
internal static class Codec
{
    /// <summary>A JSON object: its members are written in order, and read by name whatever their order.</summary>
    public static Codec<T> Object<T>(
        Action<Utf8JsonWriter, T> members, Func<JsonElement, Decoded<T>> read) => new(
        (json, value) =>
        {
            json.WriteStartObject();
            members(json, value);
            json.WriteEndObject();
        },
        json => json.ValueKind == JsonValueKind.Object ? read(json) : new CodecFault("", "an object belongs here"));

    /// <summary>A list.</summary>
    public static Codec<Arr<T>> List<T>(Codec<T> item) => new(
        (json, items) =>
        {
            json.WriteStartArray();
            foreach (var value in items)
                item.Write(json, value);
            json.WriteEndArray();
        },
        json => json.ValueKind == JsonValueKind.Array ? Items(item, json) : new CodecFault("", "a list belongs here"));

    /// <summary>A value, or <c>null</c>.</summary>
    public static Codec<Option<T>> Maybe<T>(Codec<T> some) => new(
        (json, value) =>
        {
            foreach (var present in value)
                some.Write(json, present);
            if (value.IsNone)
                json.WriteNullValue();
        },
        json => json.ValueKind == JsonValueKind.Null
            ? Decoded<Option<T>>.Of(Option<T>.None)
            : some.Read(json).Map(Option<T>.Some));

    /// <summary>One of a few values, each with a word of its own.</summary>
    public static Codec<T> Words<T>(Arr<T> all, Func<T, string> word) => new(
        (json, value) => json.WriteStringValue(word(value)),
        json => Scalar.Text.Read(json).Bind(text => Decoded<T>.Of(
            all.Find(value => word(value) == text), $"one of {string.Join(", ", all.Map(word))} belongs here")));

    /// <summary>Writes one member.</summary>
    public static void Put<T>(this Utf8JsonWriter json, string name, Codec<T> codec, T value)
    {
        json.WritePropertyName(name);
        codec.Write(json, value);
    }

    /// <summary>Reads one member of an object.</summary>
    public static Decoded<T> Get<T>(this JsonElement json, string name, Codec<T> codec) =>
        json.TryFind(name, out var member)
            ? codec.Read(member).Under(name)
            : new CodecFault(name, "is missing");

    /// <summary>Whether an object has a member of that name.</summary>
    public static bool Has(this JsonElement json, string name) => json.TryFind(name, out _);

    private static bool TryFind(this JsonElement json, string name, out JsonElement member)
    {
        try
        {
            return json.TryGetProperty(name, out member);
        }
        catch (InvalidOperationException)
        {
            // The name of another member is half a surrogate pair, which the parser looks for only now.
            member = default;
            return false;
        }
    }

    private static Decoded<Arr<T>> Items<T>(Codec<T> item, JsonElement list)
    {
        var items = new List<T>(list.GetArrayLength());
        foreach (var element in list.EnumerateArray())
        {
            var fault = item.Read(element).Match<CodecFault?>(
                value =>
                {
                    items.Add(value);
                    return null;
                },
                why => why);
            if (fault is not null)
                return fault.Under($"[{items.Count}]");
        }

        return new Arr<T>(items);
    }
}
