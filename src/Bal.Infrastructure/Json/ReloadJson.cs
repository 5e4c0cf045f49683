using System.Text.Json;
using Bal.Application;
using Bal.Domain.Messages;

namespace Bal.Infrastructure.Json;

/// <summary>The daemon's answer to <c>graceful</c>.</summary>
public static class ReloadJson
{
    /// <summary>One JSON object with a newline at the end.</summary>
    /// <param name="configPath">The file that was read.</param>
    /// <param name="answer">What came of it.</param>
    public static byte[] Write(string configPath, ReloadAnswer answer) => JsonReport.Write(json =>
    {
        json.WriteBoolean("applied", answer.Applied);
        JsonReport.WriteConfigPath(json, configPath);
        json.WriteNumber("config_version", answer.ConfigVersion);
        json.WriteString("message", answer.Problem.Match(
            Some: p => p.WhatHappened,
            None: () => answer.Changes.IsEmpty
                ? "configuration applied: nothing changed"
                : $"configuration applied: {string.Join("; ", answer.Changes)}"));
        answer.Problem.Match(
            Some: p => WriteProblem(json, p),
            None: () => json.WriteNull("problem"));
        json.WriteStartArray("findings");
        foreach (var finding in answer.Findings)
            CheckJson.WriteFinding(json, finding);
        json.WriteEndArray();
        json.WriteStartArray("changes");
        foreach (var change in answer.Changes)
            json.WriteStringValue(change);
        json.WriteEndArray();
    });

    /// <summary>The code and the three lines as the member <c>problem</c>.</summary>
    internal static void WriteProblem(Utf8JsonWriter json, Problem problem)
    {
        json.WriteStartObject("problem");
        WriteProblemMembers(json, problem);
        json.WriteEndObject();
    }

    /// <summary>The code and the three lines.</summary>
    internal static void WriteProblemMembers(Utf8JsonWriter json, Problem problem)
    {
        json.WriteString("code", problem.Code);
        json.WriteString("what_happened", problem.WhatHappened);
        json.WriteString("why_likely", problem.WhyLikely);
        json.WriteString("do_this_now", problem.DoThisNow);
    }
}
