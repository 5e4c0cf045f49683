using System.IO.Hashing;
using System.Text;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Recording;
using Bal.Domain.Replay;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using LanguageExt;

namespace Bal.Domain.Specs.Recording;

/// <summary>Writes the decision log of a life, as the recorder does, and follows it.</summary>
internal static class Recordings
{
    public const string Version = "1.2.3";

    public static IReadOnlyList<byte[]> Of(Scenario scenario)
    {
        var start = ControlMachine.Start(scenario.Config, Life.Birth).State;
        var written = DecisionChain.Start.Append(new DecisionLine.Checkpoint(
            Version, CheckpointReason.Start, 0, Life.Birth, "2026-01-02T03:04:05Z", 0, start));
        var lines = new List<byte[]> { written.Bytes };
        var digest = StateDigest.Of(start);
        Life.Of(scenario, o =>
        {
            digest = digest.Next(o.After);
            written = written.Chain.Append(new DecisionLine.Step(
                lines.Count, o.Now, o.Happened, digest.With(o.After.Effects))
            {
                Effects = EffectDigest.Of(o.After.Effects),
            });
            lines.Add(written.Bytes);
        });
        return lines;
    }

    /// <summary>Lines with a chain that is right, as somebody would write it who edits the file.</summary>
    public static IReadOnlyList<byte[]> Rechained(IEnumerable<DecisionLine> lines)
    {
        var chain = DecisionChain.Start;
        var bytes = new List<byte[]>();
        foreach (var line in lines)
        {
            var written = chain.Append(line);
            chain = written.Chain;
            bytes.Add(written.Bytes);
        }

        return bytes;
    }

    /// <summary>The text of a first line under a checksum that is right, whatever was written into it.</summary>
    public static byte[] Sealed(string line)
    {
        var body = line[..line.LastIndexOf(",\"chain\":", StringComparison.Ordinal)];
        var sum = XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(body));
        return Encoding.UTF8.GetBytes($"{body},\"chain\":\"{sum:x16}\"}}\n");
    }

    public static IReadOnlyList<DecisionLine> Read(IEnumerable<byte[]> lines)
    {
        var chain = DecisionChain.Start;
        var read = new List<DecisionLine>();
        foreach (var line in lines)
        {
            chain.Read(line.AsMemory(0, line.Length - 1)).Match(
                Right: r => { read.Add(r.Line); chain = r.Chain; },
                Left: fault => throw new InvalidOperationException(fault.ToText()));
        }

        return read;
    }

    /// <summary>The lines for what they say, although one was changed and those after it do not follow.</summary>
    public static IReadOnlyList<DecisionLine> ReadEach(IEnumerable<byte[]> lines)
    {
        var chain = DecisionChain.Start;
        var read = new List<DecisionLine>();
        foreach (var line in lines)
        {
            var text = Text(line);
            var body = Encoding.UTF8.GetBytes(text[..text.LastIndexOf(",\"chain\":", StringComparison.Ordinal)]);
            var seed = text.StartsWith("{\"decision_log\"", StringComparison.Ordinal) ? DecisionChain.Start : chain;
            var sum = XxHash3.HashToUInt64(body, unchecked((long)seed.Value));
            var mended = Encoding.UTF8.GetBytes($"{Encoding.UTF8.GetString(body)},\"chain\":\"{sum:x16}\"}}");
            read.Add(seed.Read(mended).Match(
                Right: r => r.Line, Left: fault => throw new InvalidOperationException(fault.ToText())));
            chain = new DecisionChain(sum);
        }

        return read;
    }

    public static Either<ReplayFault, ReplayState> Replay(IEnumerable<byte[]> lines, string version = Version) =>
        lines.Aggregate(
        Either<ReplayFault, ReplayState>.Right(ReplayState.Begin(version)),
        (state, line) => state.Bind(s => ReplayMachine.Next(line.AsMemory(0, line.Length - 1), s).Map(r => r.State)));

    public static string Text(byte[] line) => Encoding.UTF8.GetString(line);

    /// <summary>Leads another configuration through the record of a life.</summary>
    public static (ComparisonState State, IReadOnlyList<TimelineEntry> Entries) Compare(Scenario life, BalConfig other)
    {
        var entries = new List<TimelineEntry>();
        var comparison = ComparisonMachine.Begin(other);
        var replay = ReplayState.Begin(Version);
        foreach (var line in Of(life))
        {
            var step = ReplayMachine.Next(line.AsMemory(0, line.Length - 1), replay)
                .Match(Right: s => s, Left: f => throw new InvalidOperationException(f.Problem.WhatHappened));
            replay = step.State;
            var compared = ComparisonMachine.Next(step.What, comparison);
            comparison = compared.State;
            entries.AddRange(compared.Entries);
        }

        return (comparison, entries);
    }

    /// <summary>The same configuration with another tuning.</summary>
    public static BalConfig With(BalConfig config, Func<Tuning, Tuning> change) =>
        config with { Services = config.Services.Map(s => s with { Tuning = change(s.Tuning) }) };
}
