using Bal.Domain.Config;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Reload;

/// <summary>What changes when one service's configuration replaces another.</summary>
/// <param name="Kept">Backends in both: they keep their connections, health, counters and cooldown.</param>
/// <param name="Added">Backends only in the new configuration.</param>
/// <param name="Removed">Backends only in the old one: they drain.</param>
/// <param name="ListenerChanged">Whether clients connect elsewhere from now on.</param>
/// <param name="Changes">Every other key whose value differs.</param>
public sealed record ReloadPlan(
    Arr<Endpoint> Kept, Arr<Endpoint> Added, Arr<Endpoint> Removed, bool ListenerChanged, Arr<SettingChange> Changes)
{
    /// <summary>Whether nothing changes at all.</summary>
    public bool IsEmpty => Added.IsEmpty && Removed.IsEmpty && !ListenerChanged && Changes.IsEmpty;

    /// <summary>One line a change, as an operator reads it; none where nothing changes.</summary>
    public Arr<string> ToLines(Service before, Service after) =>
        Added.Map(e => $"backend {e} added")
            .Append(Removed.Map(e => $"backend {e} removed, its connections drain"))
            .Append(ListenerChanged
                ? Prelude.Array($"listener moves from {before.Listener} to {after.Listener}")
                : Arr<string>.Empty)
            .Append(Changes.IsEmpty
                ? Arr<string>.Empty
                : Prelude.Array("settings: " + string.Join(", ", Changes.Map(change => change.ToText()))));
}

/// <summary>Compares configurations.</summary>
public static class ReloadDiff
{
    /// <summary>
    /// What changes, a line each, as an operator reads it; services are matched by <see cref="ServiceNames"/>.
    /// </summary>
    public static Arr<string> Describe(BalConfig before, BalConfig after)
    {
        var had = before.Services.DistinctBy(service => service.Name).ToDictionary(service => service.Name);
        var names = ServiceNames.Before(before.Services, after.Services);
        var stay = names.Values.ToHashSet();
        var single = before.IsSingle && after.IsSingle;
        return after.Services.Bind(service => names.Find(service.Name).Match(
                old => (old == service.Name ? Arr<string>.Empty : Prelude.Array($"renamed from {old}"))
                    .Append(Between(had[old], service).ToLines(had[old], service))
                    .Map(line => single ? line : $"service {service.Name}: {line}"),
                () => Prelude.Array($"service {service.Name} added")))
            .Append(before.Services.Filter(service => !stay.Contains(service.Name))
                .Map(service => $"service {service.Name} removed, its connections drain"))
            .Append(SettingChanges.OfProcess(before, after).Map(change => change.ToText()));
    }

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
            SettingChanges.OfService(before, after with { Listener = before.Listener }));
    }
}
