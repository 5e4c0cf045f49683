using System.Text.Json;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>One case of a union: the word that tells it, and its members.</summary>
/// <param name="Word">The word.</param>
/// <param name="Is">Whether a value is of this case.</param>
/// <param name="Body">Its members.</param>
public sealed record UnionCase<T>(string Word, Func<T, bool> Is, Body<T> Body);

/// <summary>
/// A closed union as members of an object. Either one member, the tag, holds the word of the case; or, with an empty
/// tag, a member that is named as the case tells it, and a case without a word is what remains.
/// </summary>
/// <param name="Tag">The name of the tag, or empty.</param>
/// <param name="Cases">The cases.</param>
public sealed record Union<T>(string Tag, Arr<UnionCase<T>> Cases)
    where T : class
{
    /// <summary>One case more.</summary>
    public Union<T> Case<TCase>(string word, Func<Members<TCase>, TCase> members)
        where TCase : class, T => Case(word, Recording.Body.Of(members));

    /// <summary>
    /// One case more. Where a value is of several, it is written as the first: those after it are words of earlier
    /// versions.
    /// </summary>
    public Union<T> Case<TCase>(string word, Body<TCase> own)
        where TCase : class, T
    {
        return this with
        {
            Cases = Cases.Add(new UnionCase<T>(word, value => value is TCase, new Body<T>(
                (walk, value) => own.Write(walk, (TCase)value),
                (walk, json) => own.Read(walk, json)))),
        };
    }

    /// <summary>The word of the case that a value is of.</summary>
    public string WordOf(T value) => CaseOf(value).Word;

    /// <summary>The tag and the members of the case.</summary>
    public Body<T> Body => new(
        (walk, value) =>
        {
            var its = CaseOf(value);
            if (Tag.Length > 0)
                walk.Json.WriteString(Tag, its.Word);
            its.Body.Write(walk, value);
        },
        (walk, json) => Tag.Length > 0 ? ReadTagged(walk, json) : ReadUntagged(walk, json));

    /// <summary>The same as an object of its own.</summary>
    public Codec<T> Codec => Recording.Codec.Of(Body);

    private UnionCase<T> CaseOf(T value)
    {
        foreach (var one in Cases)
            if (one.Is(value))
                return one;
        throw new System.Diagnostics.UnreachableException();
    }

    private T ReadTagged(Walk walk, JsonElement json)
    {
        var word = new Members<T>(walk, null!, json).Of(Tag, Words, _ => "");
        foreach (var one in Cases)
            if (one.Word == word)
                return one.Body.Read(walk, json);
        return null!;
    }

    private Codec<string> Words => Recording.Codec.Words(Cases.Map(one => one.Word), word => word);

    private T ReadUntagged(Walk walk, JsonElement json)
    {
        var members = new Members<T>(walk, null!, json);
        foreach (var one in Cases)
            if (one.Word.Length == 0 || members.Has(one.Word))
                return one.Body.Read(walk, json);
        return walk.Fail<T>($"expected {string.Join(" or ", Cases.Map(one => one.Word))}");
    }
}

/// <summary>How unions are begun.</summary>
public static class Union
{
    /// <summary>Cases are told by the word that a member of this name holds.</summary>
    public static Union<T> Tagged<T>(string tag) where T : class => new(tag, Arr<UnionCase<T>>.Empty);

    /// <summary>Cases are told by which member there is.</summary>
    public static Union<T> ByMember<T>() where T : class => new("", Arr<UnionCase<T>>.Empty);
}
