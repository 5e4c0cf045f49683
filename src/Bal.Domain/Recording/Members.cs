using System.Text.Json;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The members of a JSON object without its braces.</summary>
/// <param name="Write">Writes them, in order.</param>
/// <param name="Read">Reads them by name, whatever their order; others are ignored.</param>
public sealed record Body<T>(Action<Walk, T> Write, Func<Walk, JsonElement, T> Read);

/// <summary>How members are put together.</summary>
public static class Body
{
    private const string MustKnow = "must_know";

    private static readonly Codec<Arr<string>> Names = Codec.List(Scalar.Text);

    /// <summary>The members that <paramref name="members"/> names; see <see cref="Codec.Object"/>.</summary>
    public static Body<T> Of<T>(Func<Members<T>, T> members) => new(
        (walk, value) => members(new Members<T>(walk, value, default)),
        (walk, json) => members(new Members<T>(walk, default!, json)));

    /// <summary>
    /// The members of a whole document. It lists, as <c>must_know</c>, the members in it that a reader may not ignore;
    /// where one of them was not read, because this version does not know it, that is a fault which names it.
    /// </summary>
    public static Body<T> Document<T>(Body<T> body) => new(
        (walk, value) =>
        {
            body.Write(walk, value);
            if (walk.MustKnow.Count == 0)
                return;
            walk.Json.WritePropertyName(MustKnow);
            Names.Write(walk, new Arr<string>(walk.MustKnow));
        },
        (walk, json) =>
        {
            var read = body.Read(walk, json);
            if (walk.Fault is not null)
                return read;
            var names = new Members<T>(walk, default!, json).Of(MustKnow, Names, _ => default, Arr<string>.Empty);
            foreach (var name in names)
                if (!walk.MustKnow.Contains(name))
                    return walk.FailUnknown<T>(name);
            return read;
        });
}

/// <summary>The members of one object on their way into a document or out of it.</summary>
public sealed class Members<T>
{
    private readonly Walk walk;
    private readonly T value;
    private readonly JsonElement json;

    internal Members(Walk walk, T value, JsonElement json) => (this.walk, this.value, this.json) = (walk, value, json);

    /// <summary>A member that must be there.</summary>
    public TMember Of<TMember>(string name, Codec<TMember> codec, Func<T, TMember> get)
    {
        if (walk.Writes)
            return Write(name, codec, get(value));
        if (walk.Fault is null && !TryFind(name, out _))
        {
            walk.Enter(name);
            walk.Fail<TMember>("is missing");
            walk.Leave();
        }

        return Read(name, codec, default!);
    }

    /// <summary>
    /// A member that may be missing, since an earlier version does not write it; then it is <paramref name="missing"/>.
    /// A reader that does not know it ignores it.
    /// </summary>
    public TMember Of<TMember>(string name, Codec<TMember> codec, Func<T, TMember> get, TMember missing) =>
        walk.Writes ? Write(name, codec, get(value)) : Read(name, codec, missing);

    /// <summary>
    /// A member that is written only where it is not <paramref name="absent"/>, and then may not be ignored: a reader
    /// that does not know it refuses the document.
    /// </summary>
    public TMember MustKnow<TMember>(string name, Codec<TMember> codec, Func<T, TMember> get, TMember absent)
    {
        if (walk.Writes && EqualityComparer<TMember>.Default.Equals(get(value), absent))
            return absent;
        walk.Meet(name);
        return Of(name, codec, get, absent);
    }

    /// <summary>
    /// A member that is written only where it is not <paramref name="absent"/>. A reader that does not know it ignores
    /// it.
    /// </summary>
    public TMember Unless<TMember>(string name, Codec<TMember> codec, Func<T, TMember> get, TMember absent) =>
        walk.Writes && EqualityComparer<TMember>.Default.Equals(get(value), absent)
            ? absent
            : Of(name, codec, get, absent);

    /// <summary>A member that only other versions read.</summary>
    public void ForOthers<TMember>(string name, Codec<TMember> codec, Func<T, TMember> get)
    {
        if (walk.Writes)
            Write(name, codec, get(value));
    }

    /// <summary>A member that only other versions write; <paramref name="missing"/> where they do not.</summary>
    public TMember OfOthers<TMember>(string name, Codec<TMember> codec, TMember missing) =>
        walk.Writes ? missing : Read(name, codec, missing);

    /// <summary>The members of a part that has no object of its own.</summary>
    public TPart Inline<TPart>(Body<TPart> part, Func<T, TPart> get)
    {
        if (!walk.Writes)
            return walk.Fault is null ? part.Read(walk, json) : default!;
        var own = get(value);
        part.Write(walk, own);
        return own;
    }

    /// <summary>Whether a member of that name was read.</summary>
    internal bool Has(string name) => TryFind(name, out _);

    private TMember Write<TMember>(string name, Codec<TMember> codec, TMember member)
    {
        walk.Enter(name);
        walk.Json.WritePropertyName(name);
        codec.Write(walk, member);
        walk.Leave();
        return member;
    }

    private TMember Read<TMember>(string name, Codec<TMember> codec, TMember missing)
    {
        if (walk.Fault is not null || !TryFind(name, out var found))
            return missing;
        walk.Enter(name);
        var member = codec.Read(walk, found);
        walk.Leave();
        return member;
    }

    private bool TryFind(string name, out JsonElement member)
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
}
