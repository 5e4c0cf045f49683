using Bal.Domain.Backend;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Reads and prints what health checks say and expect. What they say is printed as its length.</summary>
internal static class CheckKinds
{
    private const int MostSteps = 32;
    private const int MostExpected = 1_024;
    private const string TextExpected = "text, in which \\r, \\n, \\t, \\\\ and \\xNN are one byte each";
    private const string PathExpected = "a path that begins with '/', of printable ASCII without spaces and '#'";

    private static readonly string[] Sends = ["send", "send_hex", "send_file"];

    private static readonly string[] Expects = ["expect", "expect_hex", "expect_start", "expect_start_hex"];

    private static readonly Arr<string> AllMethods = Prelude.Array("GET", "HEAD", "OPTIONS");

    private static readonly RawNode Words = Raw.Map(Raw.Entry("type", Raw.List(
        Raw.Text("string"), Raw.Text("number"), Raw.Text("boolean"))));

    private static readonly Kind<Option<Secret>> Say = SaidBy(
        TextExpected, Octets.Read, secret => secret.File.IsSome ? Raw.Null : Raw.Text($"{secret}"));

    private static readonly Kind<Option<Secret>> SayFile = new(
        Kinds.File.Expected,
        Kinds.File.Schema,
        field => Scalars.FilePath(field).Value.Match(
            path => Checked.Good<object>(Option<Secret>.Some(Secret.In(path))),
            () => Bad<object>(field, Kinds.File.Expected, "name a file, or write 'send' for text", "invalid_path")),
        value => ((Option<Secret>)value).Bind(secret => secret.File).Match(Raw.Text, () => Raw.Null));

    private static readonly Kind<Option<Octets>> Wanted = WantedBy(TextExpected, Octets.Read);

    private static readonly Kind<Option<Octets>> WantedHex = WantedBy("pairs of hexadecimal digits", Octets.ReadHex);

    /// <summary>The keys of a step.</summary>
    public static SettingTable<ExchangeStep> OfStep { get; } = new(
        Send("send", Say, "What is sent: text, after YAML's own escapes with those of bal."),
        Send("send_hex", SaidBy("pairs of hexadecimal digits", Octets.ReadHex, _ => Raw.Null),
            "The same as hexadecimal digits."),
        Send("send_file", SayFile, "The same as it stands in a file that others may not read."),
        Expect("expect", Wanted, atStart: false, "What has to be in what arrives since the step before."),
        Expect("expect_hex", WantedHex, atStart: false, "The same as hexadecimal digits."),
        Expect("expect_start", Wanted, atStart: true, "What that has to begin with."),
        Expect("expect_start_hex", WantedHex, atStart: true, "The same as hexadecimal digits."));

    /// <summary>The steps of an exchange.</summary>
    public static Kind<Arr<ExchangeStep>> Steps { get; } = new(
        $"a list of at most {MostSteps} steps",
        Raw.Map(
            Raw.Entry("type", "array"), Raw.Entry("minItems", Raw.Number(1)),
            Raw.Entry("maxItems", Raw.Number(MostSteps)),
            Raw.Entry("items", Raw.Map(ConfigSchema.Object([.. ConfigSchema.Properties(OfStep, _ => true)], [])))),
        field => field.Value is RawNode.Sequence { Items: { IsEmpty: false, Count: <= MostSteps } } list
            ? Checked.Each(field.Items(list), (item, _) => Step(item)).Map<object>(steps => steps)
            : Bad<object>(field, $"a list of at most {MostSteps} steps",
                "write '- {send: \"PING\\r\\n\", expect: \"+PONG\"}'", "wrong_type"),
        steps => ((Arr<ExchangeStep>)steps).IsEmpty
            ? Raw.Null
            : Raw.List([.. ((Arr<ExchangeStep>)steps).Select(step => Raw.Map([.. OfStep.Print(step)]))]));

    /// <summary>A path with its query.</summary>
    public static Kind<Option<HttpQuestion>> Path { get; } = new(
        PathExpected,
        Raw.Map(Raw.Entry("type", "string"), Raw.Entry("pattern", "^/[!-\"$-~]*$")),
        field => Scalars.Text(field, PathExpected).Then(scalar => Target(scalar.Text).Match(
            http => Checked.Good<object>(Option<HttpQuestion>.Some(http)),
            () => Bad<object>(field, PathExpected, "write a path such as /health"))),
        value => ((Option<HttpQuestion>)value).Match(
            http => Raw.Text(http.Path + http.Query.Match(query => $"?{query}", () => "")), () => Raw.Null));

    /// <summary>A method of HTTP.</summary>
    public static Kind<Option<string>> Method { get; } = new(
        Scalars.OneOf(AllMethods),
        Raw.Map(Raw.Entry("enum", Raw.List([.. AllMethods.Select(Raw.Text)]))),
        field => Scalars.Choice(field, AllMethods).Map<object>(i => Option<string>.Some(AllMethods[i])),
        word => ((Option<string>)word).Match(Raw.Word, () => Raw.Null));

    /// <summary>A Host header.</summary>
    public static Kind<Option<string>> HostHeader { get; } = new(
        "a host name or an address, with a port or without",
        Raw.Map(Raw.Entry("type", "string"), Raw.Entry("minLength", Raw.Number(1))),
        field => Scalars.Text(field, "a host name or an address").Then(scalar =>
            scalar.Text.Length is > 0 and <= 255 && scalar.Text.All(c => c is > ' ' and <= '~' and not '/')
                ? Checked.Good<object>(Option<string>.Some(scalar.Text))
                : Checked.Bad<object>(Faults.Unexpected(
                    "invalid_host", field, "a host name or an address, with a port or without",
                    "write it as a browser would show it, such as db1.example.org"))),
        host => ((Option<string>)host).Match(Raw.Text, () => Raw.Null));

    /// <summary>One status or several.</summary>
    public static Kind<Arr<int>> Statuses { get; } = new(
        "a list of HTTP statuses from 200 to 599",
        Raw.Map(Raw.Entry("type", "array"), Raw.Entry("items", Kinds.Integer(new(200, 599, "")).Schema)),
        field => Checked.Each(
            field.Value is RawNode.Sequence list ? field.Items(list) : [field],
            (item, _) => Scalars.Integer(item, new(200, 599, ""))).Map<object>(all => new Arr<int>(all.Distinct())),
        all => ((Arr<int>)all).IsEmpty
            ? Raw.Null : Raw.List([.. ((Arr<int>)all).Select(status => Raw.Number(status))]));

    private static Setting<ExchangeStep> Send(string key, Kind<Option<Secret>> kind, string meaning) =>
        Setting.Of<ExchangeStep, Option<Secret>>(key, kind, [Option<Secret>.None], s => s.Send,
            (s, v) => v.IsNone ? s : s with { Send = v }, meaning);

    // Printed under the one key that says it all.
    private static Setting<ExchangeStep> Expect(
        string key, Kind<Option<Octets>> kind, bool atStart, string meaning) =>
        Setting.Of<ExchangeStep, Option<Octets>>(key, kind, [Option<Octets>.None],
            s => s.AtStart == atStart && ReferenceEquals(kind, Wanted) ? s.Expect : Option<Octets>.None,
            (s, v) => v.IsNone ? s : s with { Expect = v, AtStart = atStart }, meaning);

    private static Checked<ExchangeStep> Step(Field item) => item.Value is RawNode.Mapping mapping
        ? Fields.Read(mapping, item.Path, OfStep.Keys, Settings.PlaceOf).Then(fields => OfStep.Read(fields)
            .Map(edits => edits.Apply(ExchangeStep.Blank))
            .With(Twice(fields, Sends)).With(Twice(fields, Expects)).With(Nothing(fields)))
        : Bad<ExchangeStep>(
            item, "a mapping of what is sent and what is expected", "write '{send: ..., expect: ...}'", "wrong_type");

    private static IEnumerable<Finding> Twice(Fields fields, string[] keys) =>
        keys.Where(key => fields.Find(key).IsSome).ToArray() is { Length: > 1 } given
            ? [Faults.Error("contradicting_keys", fields.PathOf(given[1]), fields.At,
                $"{fields.PathOf(given[1])} stands beside {given[0]}: expected one of {string.Join(", ", keys)}",
                "keep one of them, or write two steps")]
            : [];

    private static IEnumerable<Finding> Nothing(Fields fields) =>
        Sends.Concat(Expects).Any(key => fields.Find(key).IsSome)
            ? []
            : [Faults.Error("empty_step", fields.Path, fields.At,
                $"{fields.Path}: expected something to send or to expect, found neither",
                "write send, expect or both")];

    private static Kind<Option<Secret>> SaidBy(
        string expected, Func<string, Either<string, Octets>> read, Func<Secret, RawNode> print) => new(
        expected,
        Words,
        field => Scalars.Text(field, expected).Then(scalar => Secret.Unknown(scalar.Text).Match(
            secret => Checked.Good<object>(Option<Secret>.Some(secret)),
            () => read(scalar.Text).Match(
                Right: bytes => bytes.Length is > 0 and <= Secret.MaxBytes
                    ? Checked.Good<object>(Option<Secret>.Some(Secret.Of(bytes)))
                    : Bad<object>(field, expected, $"send from 1 to {Secret.MaxBytes} bytes in a step"),
                Left: why => Bad<object>(field, expected, why)))),
        value => ((Option<Secret>)value).Match(print, () => Raw.Null));

    private static Kind<Option<Octets>> WantedBy(string expected, Func<string, Either<string, Octets>> read) => new(
        expected,
        Words,
        field => Scalars.Text(field, expected).Then(scalar => read(scalar.Text).Match(
            Right: bytes => bytes.Length is > 0 and <= MostExpected
                ? Checked.Good<object>(Option<Octets>.Some(bytes))
                : Checked.Bad<object>(Faults.Unexpected(
                    "out_of_range", field, expected, $"expect from 1 to {MostExpected} bytes in a step")),
            Left: why => Checked.Bad<object>(Faults.Unexpected("invalid_escape", field, expected, why)))),
        value => ((Option<Octets>)value).Match(bytes => Raw.Text($"{bytes}"), () => Raw.Null));

    private static Option<HttpQuestion> Target(string text)
    {
        var mark = text.IndexOf('?', StringComparison.Ordinal);
        var path = mark < 0 ? text : text[..mark];
        var query = mark < 0 ? "" : text[(mark + 1)..];
        return !path.StartsWith('/') || !IsPlain(path) || text.Length > Secret.MaxBytes ? Option<HttpQuestion>.None
            : mark < 0 ? new HttpQuestion(path)
            : (Secret.Unknown(query) || (IsPlain(query)
                ? Secret.Of(Octets.Of(System.Text.Encoding.ASCII.GetBytes(query)))
                : Option<Secret>.None)).Map(secret => new HttpQuestion(path) { Query = secret });
    }

    private static bool IsPlain(string text) => text.All(c => c is > ' ' and <= '~' and not '#');

    // Without what was found: it may be a password.
    private static Checked<T> Bad<T>(Field field, string expected, string hint, string code = "invalid_text") =>
        Checked.Bad<T>(Faults.Error(
            code, field.Path, field.Value.At, $"{field.Path}: expected {expected}", hint));
}
