using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using Bal.Domain.Reload;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>What a reload would change of what is being served.</summary>
/// <param name="Kept">Backends that would stay, with their connections and everything known about them.</param>
/// <param name="Added">Backends that would be added.</param>
/// <param name="Removed">Backends that would be removed, with the connections that would drain.</param>
/// <param name="Settings">Every key that would change.</param>
public sealed record ReloadPreview(
    Arr<Endpoint> Kept, Arr<Endpoint> Added, Arr<LeavingBackend> Removed, Arr<SettingChange> Settings)
{
    /// <summary>One line a change, as an operator reads it; none where nothing would change.</summary>
    public Arr<string> ToLines() => Added.Map(e => $"backend {e} added")
        .Append(Removed.Map(b => $"backend {b.Endpoint} removed; {b.Connections} connection(s) drain"))
        .Append(Settings.Map(change => change.ToText()));
}

/// <summary>A backend that a reload would remove.</summary>
/// <param name="Endpoint">Which.</param>
/// <param name="State">Its state now: <c>up</c>, <c>cooling</c> or <c>down</c>.</param>
/// <param name="Connections">Connections that use it now, which would drain.</param>
public sealed record LeavingBackend(Endpoint Endpoint, string State, long Connections);

/// <summary>Looks at a reload before it happens.</summary>
public static class ReloadPreviews
{
    /// <summary>What applying <paramref name="next"/> would change.</summary>
    public static ReloadPreview Of(BalConfig next, Traffic traffic, Instant now, ControlState state)
    {
        var service = state.InOrder[0];
        var plan = ReloadDiff.Between(service.Config, next.Main);
        return new(
            plan.Kept,
            plan.Added,
            new(service.Backends.Values.Where(b => !b.Draining && plan.Removed.Contains(b.Endpoint))
                .Select(b => new LeavingBackend(
                b.Endpoint, BackendReport.StateOf(b), ActiveOf(b.Id, traffic)))),
            SettingChanges.Between(state.Config, next));
    }

    private static long ActiveOf(BackendId id, Traffic traffic) =>
        traffic.Backends.Find(t => t.Backend == id).Match(t => t.Active, () => 0);
}
