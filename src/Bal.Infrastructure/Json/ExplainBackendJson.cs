using System.Text.Json;
using Bal.Domain.Backend;
using Bal.Domain.Explain;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using LanguageExt;
using BackendEntry = Bal.Domain.History.BackendEntry;

namespace Bal.Infrastructure.Json;

/// <summary>The explanation of one backend as JSON.</summary>
internal static class ExplainBackendJson
{
    public static void Write(Utf8JsonWriter json, ClockReading clock, BackendExplanation backend)
    {
        json.WriteNumber("position", backend.Position);
        json.WriteString("address", backend.Address);
        json.WriteString("state", backend.State);
        JsonReport.WriteTime(json, "since", backend.Since.Map(clock.ToWall));
        json.WriteString("summary", BackendText.Sentence(clock, backend));
        json.WriteNumber("active_connections", backend.Connections);
        json.WriteBoolean("backup", backend.Backup);
        json.WriteBoolean("backups_are_used", backend.BackupsAreUsed);
        json.WriteNumber("weight", backend.Weight);
        ExplainJson.Either(json, "slow_start", backend.SlowStart, start =>
        {
            json.WriteNumber("share_percent", start.Percent);
            json.WriteNumber("left_ms", start.EndsAt.Since(clock.Now).Milliseconds);
            JsonReport.WriteTime(json, "since", clock.ToWall(start.Since));
            JsonReport.WriteTime(json, "until", clock.ToWall(start.EndsAt));
        });
        json.WriteBoolean("reachable", !backend.IsDown);
        json.WriteNumber("configured_weight", backend.ConfiguredWeight);
        OrderJson.WriteOverride(json, backend.Override);
        backend.MaxConnections.Match(
            limit => json.WriteNumber("max_connections", limit), () => json.WriteNull("max_connections"));
        WriteHealth(json, clock, backend.Health);
        ExplainJson.Either(json, "cooldown", backend.Cooldown, cooldown => WriteCooldown(json, clock, cooldown));
        json.WriteStartObject("check");
        json.WriteString("state", Word(backend.Check.State));
        json.WriteString("type", Domain.Config.Words.Of(backend.Check.How.Type));
        backend.Check.How.Port.Match(port => json.WriteNumber("port", port), () => json.WriteNull("port"));
        json.WriteBoolean("not_checked", backend.Check.IsAwaited);
        backend.Check.Answer.Match(answer => json.WriteString("answer", answer), () => json.WriteNull("answer"));
        json.WriteNumber("not_made", backend.Check.NotMade);
        JsonReport.WriteTime(json, "next_at", backend.Check.NextAt.Map(clock.ToWall));
        JsonReport.WriteTime(json, "last_ended_at", backend.Check.LastEndedAt.Map(clock.ToWall));
        json.WriteEndObject();
        ExplainJson.Either(json, "name", backend.Name, name =>
        {
            json.WriteString("name", name.Name);
            ExplainJson.WriteTexts(json, "addresses", name.Addresses);
            json.WriteBoolean("failing", name.Failing);
            json.WriteBoolean("looking_up", name.LookingUp);
            JsonReport.WriteTime(json, "next_lookup_at", name.LookingUp || name.NextLookupAt == Instant.Never
                ? Option<DateTimeOffset>.None
                : clock.ToWall(name.NextLookupAt));
        });
        WriteEntries(json, "history", clock, backend.Events);
    }

    public static void WriteTimes(Utf8JsonWriter json, ClockReading clock, Instant first, Instant last, long count)
    {
        JsonReport.WriteTime(json, "first", clock.ToWall(first));
        JsonReport.WriteTime(json, "last", clock.ToWall(last));
        json.WriteNumber("count", count);
    }

    private static void WriteHealth(Utf8JsonWriter json, ClockReading clock, HealthExplanation health)
    {
        json.WriteStartObject("health");
        json.WriteNumber("failures", health.Failures);
        json.WriteNumber("fail_threshold", health.FailThreshold);
        json.WriteNumber("failures_to_down", health.FailuresToDown);
        json.WriteNumber("successes", health.Successes);
        json.WriteNumber("success_threshold", health.SuccessThreshold);
        json.WriteNumber("successes_to_up", health.SuccessesToUp);
        ExplainJson.Either(json, "last_outage", health.LastOutage, outage =>
        {
            JsonReport.WriteTime(json, "since", clock.ToWall(outage.Since));
            JsonReport.WriteTime(json, "until", outage.Until.Map(clock.ToWall));
            json.WriteNumber("failures", outage.Failures);
            json.WriteNumber("fail_threshold", outage.Threshold);
            WriteEntries(json, "cause", clock, outage.Cause);
        });
        json.WriteEndObject();
    }

    private static void WriteCooldown(Utf8JsonWriter json, ClockReading clock, CooldownExplanation cooldown)
    {
        JsonReport.WriteTime(json, "until", clock.ToWall(cooldown.Until));
        json.WriteNumber("left_ms", cooldown.Left.Milliseconds);
        json.WriteNumber("streak", cooldown.Streak);
        json.WriteNumber("backoff_ms", cooldown.Backoff.Milliseconds);
        json.WriteNumber("floor_ms", cooldown.Floor.Milliseconds);
        json.WriteString("decided_by", cooldown.DecidedBy == CooldownTerm.Backoff ? "backoff" : "backend_cooldown");
        json.WriteBoolean("capped", cooldown.Capped);
        json.WriteBoolean("doubled_by_protection", cooldown.Cause.Protection);
    }

    private static void WriteEntries(Utf8JsonWriter json, string name, ClockReading clock, Arr<BackendEntry> entries)
    {
        json.WriteStartArray(name);
        foreach (var entry in entries)
        {
            json.WriteStartObject();
            json.WriteString("what", HappeningText.Of(entry.What));
            if (entry.What is BackendHappening.Failed failed)
            {
                json.WriteString("source", HappeningText.Of(failed.Witness));
                json.WriteString("kind", Failures.WordOf(Failures.CountedAs(failed.Kind)));
                json.WriteString("reason", Failures.WordOf(failed.Kind));
            }
            else if (entry.What is BackendHappening.Passed passed)
            {
                json.WriteString("source", HappeningText.Of(passed.Witness));
            }

            WriteTimes(json, clock, entry.First, entry.Last, entry.Count);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static string Word(CheckState state) => state switch
    {
        CheckState.Scheduled => "scheduled",
        CheckState.InFlight => "in_flight",
        CheckState.WaitsForName => "waits_for_name",
        _ => "none",
    };
}
