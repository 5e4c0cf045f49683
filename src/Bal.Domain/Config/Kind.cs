using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// What may stand behind a key, and its form in the file. Values are boxed, so that native code holds this once and not
/// once a type.
/// </summary>
/// <param name="expected">What is allowed, as it follows "expected" in a message.</param>
/// <param name="schema">The same for editors, as a JSON Schema.</param>
/// <param name="read">Reads a value.</param>
/// <param name="print">Its form in the file.</param>
internal class Kind(string expected, RawNode schema, Func<Field, Checked<object>> read, Func<object, RawNode> print)
{
    /// <summary>What is allowed, as it follows "expected" in a message.</summary>
    public string Expected { get; } = expected;

    /// <summary>The same as a JSON Schema.</summary>
    public RawNode Schema { get; } = schema;

    /// <summary>Reads a value.</summary>
    public Func<Field, Checked<object>> Read { get; } = read;

    /// <summary>The form of a value in the file; an empty scalar where the key is left out.</summary>
    public Func<object, RawNode> Print { get; } = print;

    /// <summary>The word of the file for "not set", which JSON writes as null.</summary>
    public string Unset { get; init; } = "";
}

/// <summary>A kind whose values are of type <typeparamref name="T"/>.</summary>
internal sealed class Kind<T>(
    string expected, RawNode schema, Func<Field, Checked<object>> read, Func<object, RawNode> print)
    : Kind(expected, schema, read, print);

/// <summary>The kinds that keys are of.</summary>
internal static class Kinds
{
    public static Kind<int> Port { get; } = Integer(IntRange.Port);

    public static Kind<int> Count { get; } = Integer(IntRange.PositiveCount);

    public static Kind<int> PositiveMs { get; } = Integer(IntRange.PositiveMs);

    public static Kind<int> Ms { get; } = Integer(IntRange.Ms);

    public static Kind<Host> Host { get; } = new(
        HostSyntax.Expected,
        Raw.Map(Raw.Entry("type", "string"), Raw.Entry("minLength", Raw.Number(1))),
        field => Scalars.Host(field).Map<object>(host => host),
        host => Raw.Text($"{host}"));

    /// <summary>One address to listen on, a Unix socket included, or a list of them.</summary>
    public static Kind<Arr<Host>> Hosts { get; } = new(
        $"{Scalars.ListenExpected}, or a list of them",
        Raw.Map(Raw.Entry("oneOf", Raw.List(Host.Schema, Raw.Map(
            Raw.Entry("type", "array"), Raw.Entry("items", Host.Schema), Raw.Entry("minItems", Raw.Number(1)))))),
        field => field.Value switch
        {
            RawNode.Sequence { Items.IsEmpty: false } list => Checked
                .Each(field.Items(list), (item, _) => Scalars.Listen(item)).Map<object>(hosts => hosts),
            RawNode.Sequence => Checked.Bad<object>(Faults.Unexpected(
                "wrong_type", field, $"{Scalars.ListenExpected}, or a list of them",
                "write an address, such as 127.0.0.1")),
            _ => Scalars.Listen(field).Map<object>(host => Prelude.Array(host)),
        },
        hosts => (Arr<Host>)hosts is { Count: 1 } one
            ? Raw.Text($"{one[0]}")
            : Raw.List([.. ((Arr<Host>)hosts).Select(host => Raw.Text($"{host}"))]));

    /// <summary>The path of a file, or none.</summary>
    public static Kind<Option<string>> File { get; } = new(
        Scalars.PathExpected,
        Raw.Map(
            Raw.Entry("type", "string"),
            Raw.Entry("minLength", Raw.Number(1)),
            Raw.Entry("maxLength", Raw.Number(4_000))),
        field => Scalars.FilePath(field).Map<object>(path => Option<string>.Some(path)),
        path => ((Option<string>)path).Match(Raw.Text, () => Raw.Null));

    /// <summary>A mapping with keys of its own; what it does not say has its default.</summary>
    /// <param name="table">The keys.</param>
    /// <param name="blank">A value before any key has set it.</param>
    public static Kind<T> Block<T>(SettingTable<T> table, T blank) where T : class
    {
        var expected = $"a mapping of {string.Join(", ", table.Keys)}";
        return new(
            expected,
            Raw.Map(ConfigSchema.Object([.. ConfigSchema.Properties(table, _ => true)], table.RequiredKeys)),
            field => field.Value is RawNode.Mapping mapping
                ? Fields.Read(mapping, field.Path, table.Keys, Settings.PlaceOf).Then(table.Read)
                    .Map<object>(edits => edits.Apply(table.Defaults(1, blank)))
                : Checked.Bad<object>(Scalars.WrongKind(
                    field, expected, $"write '{table.Keys[0]}: ...' below it, indented by two more spaces")),
            value => Raw.Map([.. table.Print((T)value)]));
    }

    /// <summary>The same, or nothing where the key is left out.</summary>
    public static Kind<Option<T>> Optional<T>(Kind<T> kind) => new(
        kind.Expected,
        kind.Schema,
        field => kind.Read(field).Map<object>(value => Option<T>.Some((T)value)),
        value => ((Option<T>)value).Match(some => kind.Print(some!), () => Raw.Null));

    /// <summary>An integer, with its unit.</summary>
    public static Kind<int> Integer(IntRange range) => new(
        range.ToText(),
        Raw.Map(
            Raw.Entry("type", "integer"),
            Raw.Entry("minimum", Raw.Number(range.Least)),
            Raw.Entry("maximum", Raw.Number(range.Most))),
        field => Scalars.Integer(field, range).Map<object>(number => number),
        number => Raw.Number((int)number));

    /// <summary>Yes or no.</summary>
    public static Kind<bool> Flag { get; } = new(
        "true or false",
        Raw.Map(Raw.Entry("type", "boolean")),
        field => Scalars.Choice(field, Prelude.Array("false", "true")).Map<object>(index => index == 1),
        flag => Raw.Flag((bool)flag));

    /// <summary>Zero for "off", or an integer.</summary>
    public static Kind<int> ZeroOr(IntRange range)
    {
        var expected = $"0 (off), or {range.ToText()}";
        return new(
            expected,
            Raw.Map(Raw.Entry("oneOf", Raw.List(
                Raw.Map(Raw.Entry("const", Raw.Number(0))), Integer(range).Schema))),
            field => Scalars.Text(field, expected).Then(scalar => scalar.Text == "0"
                ? Checked.Good<object>(0)
                : Scalars.Integer(field, scalar, range, expected).Map<object>(number => number)),
            number => Raw.Number((int)number));
    }

    /// <summary>An integer, or a word that leaves it to bal.</summary>
    public static Kind<Option<int>> IntegerOr(string word, IntRange range)
    {
        var expected = $"{word}, or {range.ToText()}";
        return new(
            expected,
            Raw.Map(Raw.Entry("oneOf", Raw.List(
                Raw.Map(Raw.Entry("const", word)), Integer(range).Schema))),
            field => Scalars.Text(field, expected).Then(scalar => scalar.Text == word
                ? Checked.Good<object>(Option<int>.None)
                : Scalars.Integer(field, scalar, range, expected).Map<object>(number => Option<int>.Some(number))),
            value => ((Option<int>)value).Match(number => Raw.Number(number), () => Raw.Word(word)))
        {
            Unset = word,
        };
    }

    /// <summary>One of the words of an enumeration.</summary>
    public static Kind<T> Word<T>() where T : struct, Enum
    {
        var words = Words.All<T>();
        var values = Enum.GetValues<T>().Select(value => (object)value).ToArray();
        return new(
            Scalars.OneOf(words),
            Raw.Map(Raw.Entry("enum", Raw.List([.. words.Select(Raw.Text)]))),
            field => Scalars.Choice(field, words).Map(index => values[index]),
            value => Raw.Word(Words.Of((T)value)));
    }
}

/// <summary>The words of the file for an enumeration: the names of its members in snake_case.</summary>
public static class Words
{
    /// <summary>The word for <paramref name="value"/>.</summary>
    public static string Of<T>(T value) where T : struct, Enum => Snake(value.ToString());

    /// <summary>Every word, in the order in which the members are declared.</summary>
    internal static Arr<string> All<T>() where T : struct, Enum => new(Enum.GetNames<T>().Select(Snake));

    private static string Snake(string name) => string.Concat(name.Select((c, i) =>
        char.IsAsciiLetterUpper(c) ? $"{(i > 0 ? "_" : "")}{char.ToLowerInvariant(c)}" : $"{c}"));
}
