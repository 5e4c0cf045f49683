using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Reload;

/// <summary>What changes when one service's configuration replaces another.</summary>
/// <param name="Kept">Backends in both: they keep their connections, health, counters and cooldown.</param>
/// <param name="Added">Backends only in the new configuration.</param>
/// <param name="Removed">Backends only in the old one: they drain.</param>
/// <param name="ListenerChanged">Whether clients connect elsewhere from now on.</param>
/// <param name="TuningChanged">Whether any policy changed.</param>
public sealed record ReloadPlan(
    Arr<Endpoint> Kept, Arr<Endpoint> Added, Arr<Endpoint> Removed, bool ListenerChanged, bool TuningChanged)
{
    /// <summary>Whether nothing changes at all.</summary>
    public bool IsEmpty => Added.IsEmpty && Removed.IsEmpty && !ListenerChanged && !TuningChanged;

    /// <summary>One line a change, as an operator reads it; none where nothing changes.</summary>
    public Arr<string> ToLines(Service before, Service after) =>
        Added.Map(e => $"backend {e} added")
            .Append(Removed.Map(e => $"backend {e} removed, its connections drain"))
            .Append(ListenerChanged
                ? Prelude.Array($"listener moves from {before.Listener} to {after.Listener}")
                : Arr<string>.Empty)
            .Append(TuningChanged
                ? Prelude.Array("runtime: "
                    + string.Join(", ", SettingChanges.OfRuntime(before, after).Map(change => change.ToText())))
                : Arr<string>.Empty);
}

/// <summary>Compares configurations.</summary>
public static class ReloadDiff
{
    /// <summary>What changes, a line each, as an operator reads it; services are matched by name.</summary>
    public static Arr<string> Describe(BalConfig before, BalConfig after) =>
        after.Services.Bind(service => before.Services.Find(s => s.Name == service.Name).Match(
            Some: old => Between(old, service).ToLines(old, service),
            None: () => Prelude.Array($"service {service.Name} added")))
        .Append(before.LogLevel == after.LogLevel
            ? Arr<string>.Empty
            : Prelude.Array($"log_level is {ConfigWords.Of(after.LogLevel)} now"))
        .Append(before.DecisionLog == after.DecisionLog
            ? Arr<string>.Empty
            : Prelude.Array(after.DecisionLog.Match(
                path => $"decisions are recorded in {path} now", () => "decisions are not recorded any more")))
        .Append(before.Threads == after.Threads
            ? Arr<string>.Empty
            : Prelude.Array("threads changed: takes effect at the next start"));

    /// <summary>What changes between <paramref name="before"/> and <paramref name="after"/>.</summary>
    public static ReloadPlan Between(Service before, Service after)
    {
        var had = before.Endpoints.ToHashSet();
        var has = after.Endpoints.ToHashSet();
        return new(
            after.Endpoints.Filter(had.Contains),
            after.Endpoints.Filter(e => !had.Contains(e)),
            before.Endpoints.Filter(e => !has.Contains(e)),
            before.Listener != after.Listener,
            before.Tuning != after.Tuning || before.Method != after.Method);
    }
}
