using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>The JSON Schema (draft 2020-12) of the file, by which editors complete and check it.</summary>
public static class ConfigSchema
{
    /// <summary>The schema as indented JSON text, ending in a newline.</summary>
    public static string ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions
        {
            Indented = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
            Raw.Write(json, Document());
        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    private static RawNode Document() => Raw.Map(
    [
        Raw.Entry("$schema", "https://json-schema.org/draft/2020-12/schema"),
        Raw.Entry("title", "bal"),
        Raw.Entry(
            "description", "The configuration of bal: one service at the top level, or several under 'services'."),
        .. Object(
        [
            .. Properties(Settings.Process, row => !row.InRuntime), .. OfService("runtime_and_threads"),
            Raw.Entry(Settings.Services, Raw.Map(
                Raw.Entry("type", "object"),
                Raw.Entry("description", "Several services, each by its name."),
                Raw.Entry("minProperties", Raw.Number(1)),
                Raw.Entry("maxProperties", Raw.Number(ServiceRules.Most)),
                Raw.Entry("propertyNames", Raw.Map(Raw.Entry("pattern", ServiceRules.NamePattern))),
                Raw.Entry("additionalProperties", Reference("service")))),
        ], []),
        Raw.Entry("oneOf", Raw.List(
            Raw.Map(Required(Settings.Backends), Raw.Entry("properties", Without(Prelude.Array(Settings.Services)))),
            Raw.Map(
                Required(Settings.Services),
                Raw.Entry("properties", Without(Settings.ServiceKeys.Filter(key => key != Settings.RuntimeBlock)))))),
        Raw.Entry("$defs", Raw.Map(
            Raw.Entry("service", Raw.Map(
            [
                .. Object([.. OfService("runtime")], [Settings.Backends]),
                // Unix sockets have no port.
                Raw.Entry("oneOf", Raw.List(
                    Raw.Map(Required(Settings.Port)),
                    Raw.Map(
                        Required(Settings.BindAddress),
                        Raw.Entry("properties", Without(Prelude.Array(Settings.Port)))))),
            ])),
            Raw.Entry("backend", Raw.Map(
            [
                .. Object([.. Properties(Settings.OfBackend, _ => true)], []),
                Raw.Entry("oneOf", Raw.List(
                    Raw.Map(
                        Required(Settings.HostKey, Settings.Port),
                        Raw.Entry("properties", Without(Prelude.Array(Settings.Unix)))),
                    Raw.Map(
                        Required(Settings.Unix),
                        Raw.Entry("properties", Without(Prelude.Array(Settings.HostKey, Settings.Port)))))),
            ])),
            Raw.Entry("runtime", Block([.. Properties(Settings.Runtime, _ => true)])),
            Raw.Entry("runtime_and_threads", Block(
            [
                .. Properties(Settings.Runtime, _ => true), .. Properties(Settings.Process, row => row.InRuntime),
            ])))),
    ]);

    private static IEnumerable<RawEntry> OfService(string runtime) =>
    [
        .. Properties(Settings.OfService, _ => true),
        Raw.Entry(Settings.Backends, Raw.Map(
            Raw.Entry("type", "array"),
            Raw.Entry(
                "description",
                "Where connections go: at least one, each as HOST:PORT, as unix:/PATH or as a mapping."),
            Raw.Entry("minItems", Raw.Number(1)),
            Raw.Entry("items", Raw.Map(Raw.Entry("oneOf", Raw.List(
                Raw.Map(Raw.Entry("type", "string"), Raw.Entry("pattern", "^(unix:/.+|.+:[0-9]{1,5})$")),
                Reference("backend"))))))),
        Raw.Entry(Settings.RuntimeBlock, Reference(runtime)),
    ];

    /// <summary>One property for each chosen key.</summary>
    internal static IEnumerable<RawEntry> Properties<T>(SettingTable<T> table, Func<Setting<T>, bool> chosen) =>
        table.Rows.Where(chosen).Select(row => Raw.Entry(row.Key, Raw.Map(
        [
            .. ((RawNode.Mapping)row.Kind.Schema).Entries,
            Raw.Entry("description", row.Meaning),
            // A default that depends on the number of backends has no place in a schema.
            .. row.Defaults.Count == 1 && row.DefaultText.Length == 0 && row.Kind.Print(row.Defaults[0]) is var value
                && !Scalars.IsNull(value) ? Prelude.Array(Raw.Entry("default", value)) : Arr<RawEntry>.Empty,
        ])));

    /// <summary>An object of these properties and no others.</summary>
    internal static RawEntry[] Object(RawEntry[] properties, string[] required) =>
    [
        Raw.Entry("type", "object"),
        Raw.Entry("properties", Raw.Map(properties)),
        Raw.Entry("additionalProperties", Raw.Flag(false)),
        .. required.Length == 0 ? Arr<RawEntry>.Empty : Prelude.Array(Required(required)),
    ];

    // Every key of a block may be commented out, which leaves a null.
    private static RawNode Block(RawEntry[] properties) => Raw.Map(
    [
        .. Object(properties, []).Select(entry => Raw.ToText(entry.Key) == "type"
            ? Raw.Entry("type", Raw.List(Raw.Text("object"), Raw.Text("null")))
            : entry),
    ]);

    private static RawEntry Required(params string[] keys) =>
        Raw.Entry("required", Raw.List([.. keys.Select(Raw.Text)]));

    private static RawNode Without(Arr<string> keys) =>
        Raw.Map([.. keys.Select(key => Raw.Entry(key, Raw.Flag(false)))]);

    private static RawNode Reference(string name) => Raw.Map(Raw.Entry("$ref", $"#/$defs/{name}"));
}
