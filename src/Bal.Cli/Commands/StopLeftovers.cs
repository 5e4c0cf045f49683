using System.Diagnostics;
using System.Globalization;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using Bal.Domain.Upgrade;
using Bal.Infrastructure.Process;
using LanguageExt;
using Duration = Bal.Domain.Primitives.Duration;

namespace Bal.Cli.Commands;

/// <summary>
/// The last part of <c>bal stop</c>: ends the processes that a killed bal has left, which nobody else can reach.
/// <see cref="LeftoverStop"/> decides whom to signal.
/// </summary>
internal sealed class StopLeftovers(BalHome home, LanguageExt.Option<Duration> within, Progress progress)
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan SayEvery = TimeSpan.FromSeconds(2);

    // Nothing comes of waiting for one that cannot hear.
    private static readonly TimeSpan PausePatience = TimeSpan.FromSeconds(1);

    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly System.Collections.Generic.HashSet<int> ended = [];

    /// <summary>Ends them and waits until they are gone.</summary>
    /// <returns>Their process ids; empty where there were none.</returns>
    public Either<Problem, Arr<int>> Run()
    {
        var state = LeftoverStop.None;
        var sayAt = TimeSpan.Zero;
        while (DrainMark.Seen(home) is var seen && !seen.All.IsEmpty)
        {
            ended.UnionWith(seen.All);
            var step = state.Next(seen, Since, within);
            state = step.State;
            foreach (var pid in step.Signal)
            {
                if (Signal(pid) is { IsLeft: true } refused)
                    return refused.Map(_ => Arr<int>.Empty);
            }

            if (step.GivesUp || (clock.Elapsed > PausePatience && seen.All.ForAll(IsPaused)))
                return LeftoverProblems.StillThere(seen.All, Since);
            if (clock.Elapsed >= sayAt)
            {
                sayAt = clock.Elapsed + SayEvery;
                progress.Show(string.Create(CultureInfo.InvariantCulture,
                    $"stopping what a killed bal has left ({string.Join(", ", seen.All.Map(p => $"pid={p}"))}), "
                        + $"{clock.Elapsed.TotalSeconds:0} s so far"));
            }

            Wait(seen);
        }

        return new Arr<int>(ended.Order());
    }

    private Duration Since => new((long)clock.Elapsed.TotalMilliseconds);

    private static bool IsPaused(int pid) => RunningProcess.Of(pid).Exists(process =>
    {
        using (process)
            return process.IsPaused;
    });

    // Its number may be another process's by now; the pidfd cannot.
    private Either<Problem, Unit> Signal(int pid) => RunningProcess.Of(pid).Match(
        Right: process =>
        {
            using (process)
                return DrainMark.Seen(home).All.Contains(pid) ? process.Terminate() : Unit.Default;
        },
        Left: problem => DrainMark.Seen(home).All.Contains(pid) ? problem : Either<Problem, Unit>.Right(Unit.Default));

    private static void Wait(Leftovers seen) => RunningProcess.Of(seen.All[0]).IfRight(process =>
    {
        using (process)
            _ = process.WaitGone(Step);
    });
}
