using Bal.Domain.Reports;
using Bal.Domain.Upgrade;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Upgrade;

/// <summary>How <c>bal stop</c> ends processes that a killed bal has left.</summary>
public class LeftoverSpecs
{
    [Property]
    public void Each_is_asked_once_and_cut_once_however_often_they_are_looked_at(
        (int Pid, byte HearsAfter)[] processes, byte every, byte? within)
    {
        var left = processes.Select(p => (Pid: Math.Abs(p.Pid % 50), p.HearsAfter)).DistinctBy(p => p.Pid).ToArray();
        var time = Prelude.Optional(within).Map(w => new Duration(w));
        var state = LeftoverStop.None;
        var signals = new Dictionary<int, List<long>>();
        for (var at = 0L; at < 1_000; at += 1 + every)
        {
            // One that was asked says so a little later.
            var (stopping, draining) = Split(left.ToLookup(
                p => signals.TryGetValue(p.Pid, out var sent) && at >= sent[0] + p.HearsAfter, p => p.Pid));
            var step = state.Next(new Leftovers(draining, stopping), new Duration(at), time);
            state = step.State;
            foreach (var pid in step.Signal)
                (signals.TryGetValue(pid, out var sent) ? sent : signals[pid] = []).Add(at);
        }

        Assert.Equal(left.Select(p => p.Pid).Order(), signals.Keys.Order());
        foreach (var (pid, hearsAfter) in left)
        {
            Assert.Equal(0, signals[pid][0]);
            Assert.Equal(time.IsSome ? 2 : 1, signals[pid].Count);
            Assert.All(signals[pid].Skip(1), at => Assert.True(at >= Math.Max(within ?? 0, hearsAfter)));
        }
    }

    [Fact]
    public void One_that_goes_on_is_asked_again_after_a_second()
    {
        var seen = new Leftovers(Prelude.Array(7), Arr<int>.Empty);
        var state = LeftoverStop.None;
        var signals = Enumerable.Range(0, 300).Select(i => i * 10L).Where(at =>
        {
            var step = state.Next(seen, new Duration(at), Option<Duration>.None);
            state = step.State;
            return !step.Signal.IsEmpty;
        });
        Assert.Equal([0, 1_000, 2_000], signals);
    }

    [Property]
    public bool It_gives_up_only_when_their_time_and_the_reserve_are_over(ushort since, byte? within) =>
        LeftoverStop.None.Next(
            Leftovers.None, new Duration(since * 10L), Prelude.Optional(within).Map(w => new Duration(w * 1_000L)))
            .GivesUp == since * 10L > (within * 1_000L ?? 30_000) + 10_000;

    [Property]
    public void Those_that_a_running_bal_knows_are_not_left(int[] draining, int[] stopping, int[] linked)
    {
        var left = new Leftovers(new Arr<int>(draining), new Arr<int>(stopping)).Except(new Arr<int>(linked));
        Assert.Equal(draining.Concat(stopping).Where(pid => !linked.Contains(pid)).Order(), left.All);
    }

    [Fact]
    public void Where_some_are_left_status_is_a_warning_and_names_each_of_them()
    {
        var problem = LeftoverProblems.StillServing(Prelude.Array(7, 9));
        Assert.Contains("pid=7, pid=9", problem.WhatHappened, StringComparison.Ordinal);
        Assert.Contains("kill -TERM 7 9", problem.DoThisNow, StringComparison.Ordinal);
        var stopped = StatusReports.Stopped("1", "/x", Prelude.None) with
        {
            Leftover = Prelude.Array(7),
        };
        Assert.Contains("draining: process pid=7", StatusText.Concise(stopped), StringComparison.Ordinal);
        Assert.Contains("'bal stop' to end what is left", StatusText.Concise(stopped), StringComparison.Ordinal);
    }

    private static (Arr<int> Stopping, Arr<int> Draining) Split(ILookup<bool, int> hears) =>
        (new Arr<int>(hears[true]), new Arr<int>(hears[false]));
}
