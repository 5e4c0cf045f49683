using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Bal.Domain.Recording;

/// <summary>Why a JSON text does not say what it should.</summary>
/// <param name="Path">The member, such as <c>services[0].name</c>; empty for the text as a whole.</param>
/// <param name="Reason">What was expected there.</param>
public sealed record CodecFault(string Path, string Reason)
{
    /// <summary>
    /// The member that the writer of the text uses, this version does not know and may not ignore; empty for every
    /// other fault.
    /// </summary>
    public string Unknown { get; init; } = "";

    /// <summary>Both in one line.</summary>
    public string ToText() => Path.Length == 0 ? Reason : $"{Path}: {Reason}";
}

/// <summary>
/// One walk over one JSON document, writing it or reading it: where it is, what is wrong, and which members it met that
/// a reader may not ignore. Reading ends with the first fault: from there on every value is a default that nobody uses.
/// </summary>
public sealed class Walk
{
    private const int LongestShown = 40;

    private readonly List<Place> path = [];
    private readonly Utf8JsonWriter? writer;

    /// <summary>A walk that writes to <paramref name="json"/>.</summary>
    public static Walk Writing(Utf8JsonWriter json) => new(json);

    /// <summary>A walk that reads.</summary>
    public static Walk Reading() => new(null);

    private Walk(Utf8JsonWriter? writer) => this.writer = writer;

    internal bool Writes => writer is not null;

    internal Utf8JsonWriter Json => writer!;

    /// <summary>The members met that a reader may not ignore, as <c>services[].name</c>.</summary>
    internal SortedSet<string> MustKnow { get; } = new(StringComparer.Ordinal);

    /// <summary>The first fault.</summary>
    internal CodecFault? Fault { get; private set; }

    internal void Enter(string member) => path.Add(new Place(member, -1));

    internal void Enter(int index) => path.Add(new Place("", index));

    internal void Leave() => path.RemoveAt(path.Count - 1);

    internal T Fail<T>(string reason)
    {
        Fault ??= new CodecFault(Text(indexed: true), reason);
        return default!;
    }

    internal T FailUnknown<T>(string member)
    {
        var key = member[(member.LastIndexOf('.') + 1)..];
        Fault ??= new CodecFault("", $"it uses '{key}', which this version does not know") { Unknown = key };
        return default!;
    }

    internal T Expected<T>(string what, JsonElement found) => Fail<T>($"expected {what}, found {Shown(found)}");

    internal void Meet(string member)
    {
        Enter(member);
        MustKnow.Add(Text(indexed: false));
        Leave();
    }

    private static string Shown(JsonElement json)
    {
        try
        {
            return json.ValueKind switch
            {
                JsonValueKind.Object => "an object",
                JsonValueKind.Array => "a list",
                _ => Primitives.Printable.Short(json.GetRawText(), LongestShown),
            };
        }
        catch (InvalidOperationException)
        {
            // Its bytes are not UTF-8, which the parser looks at only now.
            return "invalid text";
        }
    }

    private string Text(bool indexed)
    {
        var text = new StringBuilder();
        foreach (var (member, index) in path)
        {
            if (index >= 0)
                text.Append('[').Append(indexed ? index.ToString(CultureInfo.InvariantCulture) : "").Append(']');
            else
                text.Append(text.Length > 0 ? "." : "").Append(member);
        }

        return text.ToString();
    }

    private readonly record struct Place(string Member, int Index);
}
