using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>
/// Replaced processes whose successor is gone, such as after a <c>kill -9</c>: they still serve their connections, and
/// no running bal speaks for them.
/// </summary>
/// <param name="Draining">Process ids of those that go on until their last connection ends.</param>
/// <param name="Stopping">Process ids of those that were asked to stop, and end within their drain timeout.</param>
public sealed record Leftovers(Arr<int> Draining, Arr<int> Stopping)
{
    /// <summary>There are none.</summary>
    public static readonly Leftovers None = new(Arr<int>.Empty, Arr<int>.Empty);

    /// <summary>All of them, lowest process id first.</summary>
    public Arr<int> All => new(Draining.Concat(Stopping).Order());

    /// <summary>Those of which a running bal does not know.</summary>
    /// <param name="linked">The process ids of those of which it does.</param>
    public Leftovers Except(Arr<int> linked) =>
        new(Draining.Filter(pid => !linked.Contains(pid)), Stopping.Filter(pid => !linked.Contains(pid)));
}

/// <summary>What is said of <see cref="Leftovers"/>.</summary>
public static class LeftoverProblems
{
    /// <summary>The code of <see cref="StillServing"/>.</summary>
    public const string Code = "leftover_processes";

    /// <summary>Some are there, beside a bal that runs or where none does.</summary>
    /// <param name="pids">Their process ids; at least one.</param>
    public static Problem StillServing(Arr<int> pids)
    {
        var (serves, its, it) = pids.Count == 1 ? ("serves its", "its", "it") : ("serve their", "their", "them");
        return new(
            Code,
            $"{Plural.Of(pids.Count, "process", "processes")} left by a bal that was killed still {serves} open "
                + $"connections: {Named(pids)}",
            "an upgrade had replaced it, and the new process was killed or crashed; these connections count for no "
                + "limit and are in no other number",
            $"wait until {its} last connection ends; 'bal stop' ends {it} with everything else, and "
                + $"'kill -TERM {string.Join(' ', pids)}' {it} alone, within drain_timeout_ms");
    }

    /// <summary>They were asked to stop, and are there when their time is over.</summary>
    /// <param name="pids">Their process ids; at least one.</param>
    /// <param name="since">How long ago.</param>
    public static Problem StillThere(Arr<int> pids, Duration since) => new(
        "stop_timeout",
        $"{Plural.Of(pids.Count, "process", "processes")} left by a bal that was killed "
            + $"{(pids.Count == 1 ? "is" : "are")} still there {since.ToText()} after the stop: {Named(pids)}",
        "it is paused (SIGSTOP), has a longer drain_timeout_ms, or hangs",
        $"run 'kill -KILL {string.Join(' ', pids)}' to end it now");

    private static string Named(Arr<int> pids) => string.Join(", ", pids.Map(pid => $"pid={pid}"));
}
