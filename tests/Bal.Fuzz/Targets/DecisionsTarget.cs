using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using Bal.Application;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;
using Bal.Domain.Replay;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.Json;
using LanguageExt;

namespace Bal.Fuzz.Targets;

/// <summary>
/// A decision log: followed as it is, and mended. Its lines carry checksums over all before them and digests of what
/// they came to, so that hardly a change would get past those; mended, every line that can be read reaches the machine.
/// </summary>
internal static class DecisionsTarget
{
    private const string Version = "0.0.0";
    private const int TailLength = 28;
    // The report of a comparison may have a hundred thousand moments between two lines; here probes are rare.
    private static readonly BalConfig Other = ConfigOf("""
        backends:
          - host: "127.0.0.1"
            port: 9000
          - host: "db.example"
            port: 9001
        runtime:
          health_check_interval_ms: 2000000000
          failover_backoff_initial_ms: 60000
          failover_backoff_max_ms: 60000
        """);

    internal static void Run(byte[] bytes)
    {
        var raw = Split(bytes);
        Follow(raw, Option<BalConfig>.None);
        var mended = Mended(raw);
        var outcome = Follow(mended, Option<BalConfig>.None);
        Claim.That(outcome.Fault.Filter(fault => fault.Problem.Code != "decision_log_empty").IsNone, () =>
            $"what was mended is followed: {outcome.Fault.Map(fault => fault.Problem.WhatHappened)}");
        Follow(mended, Other);
    }

    private static ReplayOutcome Follow(IReadOnlyList<DecisionLogLine> lines, Option<BalConfig> other)
    {
        var text = new StringBuilder();
        var report = new ReplayJson(part => text.Append(part), Version, "d.ndjson", other.Map(_ => "other.yaml"));
        var summary = Replaying.Tell(lines, Version, other, report.Say);
        report.End(summary);
        var outcome = summary.Outcome;
        using var json = JsonDocument.Parse(text.ToString());
        Claim.That(json.RootElement.GetProperty("same")
            .GetBoolean() == outcome.Fault.IsNone, "the JSON says what came of it");
        outcome.Fault.IfSome(fault => Claim.That(Terminal.IsHarmless(fault.Problem.ToText(), lines: true)
            && fault.Problem.ToText().Length <= 4_000, "a fault is short and cannot steer the terminal"));
        return outcome;
    }

    // Numbers, times, digests and checksums as they belong there; lines that cannot be read are left out.
    private static List<DecisionLogLine> Mended(IReadOnlyList<DecisionLogLine> raw)
    {
        var mended = new List<DecisionLogLine>();
        var state = ReplayState.Begin(Version);
        foreach (var line in raw)
        {
            if (ReadSealed(line.Bytes.ToArray(), state.Chain) is not { } read
                || Fitting(read, state) is not { } fitting)
                continue;
            var written = state.Chain.Append(fitting).Bytes.AsMemory();
            var (chain, bytes) = (state.Chain, written[..^1]);
            var again = chain.Read(bytes).ToOption().Map(r => chain.Append(r.Line).Bytes);
            Claim.That(again.Map(twice => twice.AsSpan().SequenceEqual(written.Span)).IfNone(false),
                "a line that is written reads back as the same line");
            ReplayMachine.Next(bytes, state).IfRight(next =>
            {
                state = next.State;
                mended.Add(new DecisionLogLine(bytes, LineEnd.Newline));
            });
        }

        return mended;
    }

    private static DecisionLine? Fitting(DecisionLine line, ReplayState state) => line.Match<DecisionLine?>(
        checkpoint: c => c.Reason == CheckpointReason.Gap && state.Position.IsNone ? null : c,
        step: s => state.Position.Map<DecisionLine?>(position =>
        {
            var at = Instant.Max(s.At, position.At);
            var step = ControlMachine.Step(s.Happened, at, position.State);
            return s with
            {
                Sequence = position.Sequence + 1,
                At = at,
                Digest = position.Digest.Next(step.State).With(step.Effects),
            };
        }).IfNoneUnsafe(() => null));

    private static DecisionLine? ReadSealed(byte[] line, DecisionChain chain)
    {
        // With its checksum, or without one, which nobody should have to guess.
        var at = line.AsSpan().LastIndexOf(",\"chain\":\""u8);
        var body = at >= 0 && line.Length - at == TailLength ? line[..at] : line.Length > 0 ? line[..^1] : line;
        foreach (var before in (DecisionChain[])[chain, DecisionChain.Start])
        {
            var value = XxHash3.HashToUInt64(body, unchecked((long)before.Value));
            var tail = string.Create(CultureInfo.InvariantCulture, $",\"chain\":\"{value:x16}\"}}");
            if (chain.Read((byte[])[.. body, .. Encoding.ASCII.GetBytes(tail)]).ToOption().Map(r => r.Line).Case
                is DecisionLine read)
                return read;
        }

        return null;
    }

    private static List<DecisionLogLine> Split(byte[] bytes)
    {
        var lines = new List<DecisionLogLine>();
        for (var at = 0; at < bytes.Length;)
        {
            var length = bytes.AsSpan(at).IndexOf((byte)'\n');
            var end = length < 0 ? bytes.Length : at + length;
            lines.Add(new(bytes.AsMemory(at, end - at), length < 0 ? LineEnd.EndOfFile : LineEnd.Newline));
            at = end + 1;
        }

        return lines;
    }

    private static BalConfig ConfigOf(string text) => YamlReader.Read(Encoding.UTF8.GetBytes(text)).ToOption()
        .Bind(document => ConfigValidation.Validate(document, HostFacts.Unknown).Config)
        .IfNone(() => throw new InvalidOperationException("the configuration of this target is invalid"));
}
