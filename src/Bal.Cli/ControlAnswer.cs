using System.Text.Json;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Cli;

/// <summary>An answer of the daemon: one JSON object, none of whose members is trusted to be there.</summary>
internal sealed record ControlAnswer(JsonElement Root)
{
    /// <summary>Reads an answer; one that is not a JSON object, or has <c>error</c>, is a problem.</summary>
    internal static Either<Problem, ControlAnswer> Parse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return Unintelligible("not a JSON object");
            var answer = new ControlAnswer(document.RootElement.Clone());
            return answer.Text("error") is { } error ? Unintelligible(error) : answer;
        }
        catch (JsonException e)
        {
            return Unintelligible(e.Message);
        }
    }

    /// <summary>A text; null where there is none.</summary>
    internal string? Text(string name) => TextOf(Root, name);

    /// <summary>A whole number; null where there is none.</summary>
    internal long? Number(string name) => NumberOf(Root, name);

    /// <summary>A member; an empty answer where there is none.</summary>
    internal ControlAnswer Member(string name) => new(Find(Root, name));

    /// <summary>Whether a member is there and true.</summary>
    internal bool Flag(string name) => Member(name).Root.ValueKind == JsonValueKind.True;

    /// <summary>The members of a list; none where there is no list.</summary>
    internal IEnumerable<JsonElement> Items(string name) =>
        Member(name).Root is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : [];

    /// <summary>The three lines under <c>problem</c>, if there is one.</summary>
    internal Problem? ProblemOrNull() =>
        Find(Root, "problem") is { ValueKind: JsonValueKind.Object } p
            ? new Problem(TextOf(p, "code") ?? "unknown", TextOf(p, "what_happened") ?? "",
                TextOf(p, "why_likely") ?? "", TextOf(p, "do_this_now") ?? "")
            : null;

    internal static string? TextOf(JsonElement element, string name) =>
        Find(element, name) is { ValueKind: JsonValueKind.String } text ? Readable(() => text.GetString(), null) : null;

    internal static long? NumberOf(JsonElement element, string name) =>
        Find(element, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number)
            ? number
            : null;

    private static JsonElement Find(JsonElement element, string name) => Readable(
        () => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value)
            ? value : default,
        default);

    // An unpaired surrogate, in a name as well, is valid JSON, but reading it as text throws.
    private static T Readable<T>(Func<T> read, T otherwise)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException)
        {
            return otherwise;
        }
    }

    private static Problem Unintelligible(string why) => new(
        "control_answer_unknown",
        $"the answer from the daemon was not understood: {why}",
        "the running daemon is a different version of bal from this command",
        "run 'bal stop', then 'bal start -d'");
}
