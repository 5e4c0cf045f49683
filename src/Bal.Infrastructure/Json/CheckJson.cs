using System.Text.Json;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>The check report as JSON (docs/behaviour.md, JSON).</summary>
public static class CheckJson
{
    /// <summary>
    /// The indented object, ending in a newline. <c>line</c> and <c>column</c> are null for what concerns the whole
    /// file.
    /// </summary>
    public static string Write(CheckReport report) => JsonReport.Text(json =>
    {
        json.WriteString("config_path", report.ConfigPath);
        json.WriteBoolean("valid", !report.Failed);
        WriteTexts(json, "errors", report, report.Errors);
        WriteTexts(json, "warnings", report, report.Warnings);
        json.WriteNumber("backend_count", report.Outcome.BackendCount);
        json.WriteNumber("service_count", report.Outcome.ServiceCount);
        report.Outcome.Limits.IfSome(limits =>
        {
            json.WriteStartObject("limits");
            json.WriteNumber("connections", limits.Allowed);
            json.WriteNumber("health_checks_in_flight", limits.Budget.Probes);
            json.WriteNumber("lookups_in_flight", Domain.Admission.DescriptorBudget.MostLookups);
            json.WriteEndObject();
        });
        json.WriteStartArray("findings");
        foreach (var finding in report.Outcome.Findings)
            WriteFinding(json, finding);
        json.WriteEndArray();
    });

    private static void WriteTexts(Utf8JsonWriter json, string name, CheckReport report, Arr<Finding> findings)
    {
        json.WriteStartArray(name);
        foreach (var finding in findings)
            json.WriteStringValue($"{FindingProblem.Location(report.ConfigPath, finding)}: {finding.Message}");
        json.WriteEndArray();
    }

    internal static void WriteFinding(Utf8JsonWriter json, Finding finding)
    {
        json.WriteStartObject();
        json.WriteString("severity", FindingProblem.Word(finding.Severity));
        json.WriteString("code", finding.Code);
        json.WriteString("path", finding.Path);
        WritePosition(json, "line", finding.At.Line);
        WritePosition(json, "column", finding.At.Column);
        json.WriteString("message", finding.Message);
        json.WriteString("hint", finding.Hint);
        json.WriteEndObject();
    }

    private static void WritePosition(Utf8JsonWriter json, string name, int number)
    {
        if (number > 0)
            json.WriteNumber(name, number);
        else
            json.WriteNull(name);
    }
}
