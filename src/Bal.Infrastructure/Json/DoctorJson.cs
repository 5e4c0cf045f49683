using System.Text.Json;
using Bal.Domain.Doctor;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>The JSON of doctor (docs/behaviour.md, JSON).</summary>
public static class DoctorJson
{
    /// <summary>The report as an indented object that ends in a newline.</summary>
    public static string Write(DoctorReport report) => JsonReport.Text(json =>
    {
        json.WriteString("overall", Level(report.Overall));
        json.WriteNumber("critical", report.CriticalCount);
        json.WriteNumber("warnings", report.WarningCount);
        json.WriteStartArray("checks");
        foreach (var check in report.Checks) Write(json, check);
        json.WriteEndArray();
        json.WriteStartObject("protection_mode");
        json.WriteBoolean("enabled", report.ProtectionReason.IsSome);
        WriteOptional(json, "reason", report.ProtectionReason);
        json.WriteEndObject();
        json.WriteString("next", report.Next);
    });

    private static void Write(Utf8JsonWriter json, DoctorCheck check)
    {
        json.WriteStartObject();
        json.WriteString("name", check.Name);
        json.WriteString("level", Level(check.Level));
        json.WriteString("summary", check.Summary);
        WriteOptional(json, "hint", check.Hint);
        check.Problem.IfSome(problem =>
        {
            json.WriteString("code", problem.Code);
            json.WriteString("why_likely", problem.WhyLikely);
        });
        json.WriteEndObject();
    }

    private static void WriteOptional(Utf8JsonWriter json, string key, Option<string> value)
    {
        json.WritePropertyName(key);
        value.Match(Some: json.WriteStringValue, None: json.WriteNullValue);
    }

    private static string Level(CheckLevel level) => level switch
    {
        CheckLevel.Ok => "ok",
        CheckLevel.Warn => "warn",
        _ => "critical",
    };
}
