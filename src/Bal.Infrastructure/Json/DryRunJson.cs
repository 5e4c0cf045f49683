using System.Text.Json;
using Bal.Application;
using Bal.Domain.Primitives;
using Bal.Domain.Reload;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>
/// The daemon's answer to <c>graceful --dry-run</c>; the members that a reload answers with have the same meaning.
/// </summary>
public static class DryRunJson
{
    /// <summary>One JSON object with a newline at the end.</summary>
    /// <param name="configPath">The file that was read.</param>
    /// <param name="answer">What a reload would do.</param>
    public static byte[] Write(string configPath, DryRunAnswer answer) => JsonReport.Write(json =>
    {
        var changes = answer.Preview.Match(preview => preview.ToLines(), () => Arr<string>.Empty);
        json.WriteBoolean("dry_run", true);
        json.WriteBoolean("applied", false);
        json.WriteBoolean("would_apply", answer.WouldApply);
        JsonReport.WriteConfigPath(json, configPath);
        json.WriteNumber("config_version", answer.ConfigVersion);
        json.WriteString("message", answer.Problem.Match(
            Some: problem => problem.WhatHappened,
            None: () => changes.IsEmpty
                ? "nothing would change" : $"{Plural.Of(changes.Count, "change")} would be applied"));
        ExplainJson.Either(json, "problem", answer.Problem, problem => ReloadJson.WriteProblemMembers(json, problem));
        json.WriteStartArray("findings");
        foreach (var finding in answer.Findings)
            CheckJson.WriteFinding(json, finding);
        json.WriteEndArray();
        ExplainJson.WriteTexts(json, "changes", changes);
        ExplainJson.Either(json, "backends", answer.Preview, preview => WriteBackends(json, preview));
        json.WriteStartArray("settings");
        foreach (var change in answer.Preview.Match(preview => preview.Settings, () => Arr<SettingChange>.Empty))
        {
            json.WriteStartObject();
            json.WriteString("key", change.Key);
            json.WriteString("from", change.From);
            json.WriteString("to", change.To);
            json.WriteBoolean("at_restart", change.AtRestart);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static void WriteBackends(Utf8JsonWriter json, ReloadPreview preview)
    {
        ExplainJson.WriteTexts(json, "kept", preview.Kept);
        ExplainJson.WriteTexts(json, "added", preview.Added);
        json.WriteStartArray("removed");
        foreach (var leaving in preview.Removed)
        {
            json.WriteStartObject();
            json.WriteString("address", leaving.Name);
            json.WriteString("state", leaving.State);
            json.WriteNumber("active_connections", leaving.Connections);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
