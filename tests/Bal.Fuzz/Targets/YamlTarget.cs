using System.Text;
using System.Text.Json;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.Json;
using LanguageExt;

namespace Bal.Fuzz.Targets;

/// <summary>A configuration file: from bytes to a report, and a valid one printed and read again.</summary>
internal static class YamlTarget
{
    private const string Path = "/etc/bal/config.yaml";

    private static readonly HostFacts Facts = new(1_024, Prelude.Array(System.Net.IPAddress.Loopback));

    private static readonly string[] Labels =
    [
        "result: ", "services: ", "backends: ", "errors: ", "warnings: ", "strict: ", "what_happened: ", "why_likely: ",
        "do_this_now: ", "next: ",
    ];

    internal static void Run(byte[] bytes)
    {
        var outcome = YamlReader.Read(bytes).Match(
            Right: document =>
            {
                ReadsBackEqual(document);
                return ConfigValidation.Validate(document, Facts);
            },
            Left: ConfigOutcome.Unreadable);
        Claim.That(outcome.Config.IsSome != outcome.Findings.Exists(f => f.Severity == Severity.Error),
            "there is a configuration or an error, and never both");
        var lines = FindingClaims.LengthsOfLines(bytes);
        foreach (var finding in outcome.Findings)
            FindingClaims.IsUseful(finding, lines);
        foreach (var strict in (bool[])[false, true])
            IsReadable(new CheckReport(Path, outcome, strict));
        outcome.Config.IfSome(config =>
        {
            var again = Read(ConfigPrinter.ToYaml(config)).Map(d => ConfigValidation.Validate(d, Facts).Config);
            Claim.That(again == Option<BalConfig>.Some(config), "a configuration that is printed reads back equal");
        });
    }

    private static void IsReadable(CheckReport report)
    {
        var text = report.ToText();
        var said = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Claim.That(Terminal.IsHarmless(text, lines: true), "the report can steer the terminal");
        Claim.That(said.All(line => Labels.Any(label => line.StartsWith(label, StringComparison.Ordinal))),
            "each line of a report has its label");
        Claim.That(said.Count(line => line.StartsWith("what_happened: ", StringComparison.Ordinal))
            == report.Outcome.Findings.Count, "each finding is said once");
        Claim.That(Terminal.IsHarmless(report.ToVerboseText(), lines: true), "the long report can steer the terminal");
        using var json = JsonDocument.Parse(CheckJson.Write(report));
        Claim.That(json.RootElement.GetProperty("findings").GetArrayLength() == report.Outcome.Findings.Count,
            "each finding is in the JSON");
        Claim.That(json.RootElement.GetProperty("valid").GetBoolean() == !report.Failed, "text and JSON agree");
    }

    // The printer writes any document, a configuration or not.
    private static void ReadsBackEqual(RawNode document)
    {
        var printed = ConfigPrinter.ToYaml(document);
        if (Encoding.UTF8.GetByteCount(printed) <= YamlReader.MaxBytes)
            Claim.That(Read(printed).Map(again => SameShape(document, again)).IfNone(false),
                "a document that is printed reads back equal");
    }

    private static Option<RawNode> Read(string text) => YamlReader.Read(Encoding.UTF8.GetBytes(text)).ToOption();

    private static bool SameShape(RawNode a, RawNode b) => (a, b) switch
    {
        // Only where it makes a difference must it survive whether a scalar is quoted.
        (RawNode.Scalar x, RawNode.Scalar y) => IsNull(x) ? IsNull(y) : x.Text == y.Text && !IsNull(y),
        (RawNode.Sequence x, RawNode.Sequence y) => x.Items.Count == y.Items.Count
            && x.Items.Zip(y.Items).All(pair => SameShape(pair.Item1, pair.Item2)),
        (RawNode.Mapping x, RawNode.Mapping y) => x.Entries.Count == y.Entries.Count
            && x.Entries.Zip(y.Entries).All(pair =>
                SameShape(pair.Item1.Key, pair.Item2.Key) && SameShape(pair.Item1.Value, pair.Item2.Value)),
        _ => false,
    };

    private static bool IsNull(RawNode.Scalar scalar) =>
        !scalar.Quoted && scalar.Text is "" or "~" or "null" or "Null" or "NULL";
}
