using System.Text.Json;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>
/// The one form of a type in JSON: the same value is always the same bytes, and these bytes are the value again.
/// </summary>
/// <param name="Write">Writes one JSON value.</param>
/// <param name="Read">Reads it; total over every JSON value. Where the walk has a fault the result means
/// nothing.</param>
public sealed record Codec<T>(Action<Walk, T> Write, Func<Walk, JsonElement, T> Read)
{
    /// <summary>The form of a type that wraps this one.</summary>
    public Codec<TOuter> Wrap<TOuter>(Func<TOuter, T> unwrap, Func<T, TOuter> wrap) => new(
        (walk, value) => Write(walk, unwrap(value)),
        (walk, json) => Read(walk, json) is var read && walk.Fault is null ? wrap(read) : default!);

    /// <summary>The same form, in which only what <paramref name="allowed"/> accepts is a value.</summary>
    public Codec<T> Where(Func<T, bool> allowed, string expected) => this with
    {
        Read = (walk, json) => Read(walk, json) is var read && (walk.Fault is not null || allowed(read))
            ? read
            : walk.Expected<T>(expected, json),
    };
}

/// <summary>How codecs are put together.</summary>
public static class Codec
{
    /// <summary>
    /// A JSON object. <paramref name="members"/> names each member once and makes the value of them: what it makes is
    /// what was read, and where the object is written it gets its own members back.
    /// </summary>
    public static Codec<T> Object<T>(Func<Members<T>, T> members) => Of(Body.Of(members));

    /// <summary>A JSON object of these members.</summary>
    public static Codec<T> Of<T>(Body<T> body) => new(
        (walk, value) =>
        {
            walk.Json.WriteStartObject();
            body.Write(walk, value);
            walk.Json.WriteEndObject();
        },
        (walk, json) => json.ValueKind == JsonValueKind.Object
            ? body.Read(walk, json)
            : walk.Expected<T>("an object", json));

    /// <summary>A list.</summary>
    public static Codec<Arr<T>> List<T>(Codec<T> item) => new(
        (walk, items) =>
        {
            walk.Json.WriteStartArray();
            foreach (var value in items)
            {
                walk.Enter(0);
                item.Write(walk, value);
                walk.Leave();
            }

            walk.Json.WriteEndArray();
        },
        (walk, json) => json.ValueKind == JsonValueKind.Array
            ? ReadItems(item, walk, json)
            : walk.Expected<Arr<T>>("a list", json));

    /// <summary>A list with a bounded number of items.</summary>
    public static Codec<Arr<T>> List<T>(Codec<T> item, int most) =>
        List(item).Where(items => items.Count <= most, $"at most {most} entries");

    /// <summary>A value, or <c>null</c>.</summary>
    public static Codec<Option<T>> Maybe<T>(Codec<T> some) => new(
        (walk, value) =>
        {
            foreach (var present in value)
                some.Write(walk, present);
            if (value.IsNone)
                walk.Json.WriteNullValue();
        },
        (walk, json) => json.ValueKind != JsonValueKind.Null
            && some.Read(walk, json) is var read && walk.Fault is null
                ? Option<T>.Some(read)
                : Option<T>.None);

    /// <summary>One of a few values, each with a word of its own.</summary>
    public static Codec<T> Words<T>(Arr<T> all, Func<T, string> word) => new(
        (walk, value) => walk.Json.WriteStringValue(word(value)),
        (walk, json) =>
        {
            if (Scalar.TextOf(json) is { } text)
                foreach (var value in all)
                    if (word(value) == text)
                        return value;
            return walk.Expected<T>($"one of {string.Join(", ", all.Map(word))}", json);
        });

    private static Arr<T> ReadItems<T>(Codec<T> item, Walk walk, JsonElement list)
    {
        var items = new List<T>(list.GetArrayLength());
        foreach (var element in list.EnumerateArray())
        {
            walk.Enter(items.Count);
            items.Add(item.Read(walk, element));
            walk.Leave();
            if (walk.Fault is not null)
                return Arr<T>.Empty;
        }

        return new Arr<T>(items);
    }
}
