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
/// <param name="AddedServices">Services that would be added.</param>
/// <param name="RemovedServices">Services that would be removed.</param>
/// <param name="RenamedServices">Services that would be renamed: <c>alpha: renamed from a</c>.</param>
/// <param name="Settings">Every key that would change.</param>
public sealed record ReloadPreview(
    Arr<string> Kept,
    Arr<string> Added,
    Arr<LeavingBackend> Removed,
    Arr<string> AddedServices,
    Arr<string> RemovedServices,
    Arr<string> RenamedServices,
    Arr<SettingChange> Settings)
{
    /// <summary>One line a change, as an operator reads it; none where nothing would change.</summary>
    public Arr<string> ToLines() => AddedServices.Map(name => $"service {name} added")
        .Append(RemovedServices.Map(name => $"service {name} removed"))
        .Append(RenamedServices.Map(name => $"service {name}"))
        .Append(Added.Map(name => $"backend {name} added"))
        .Append(Removed.Map(b => $"backend {b.Name} removed; {Plural.Of(b.Connections, "connection")} "
            + $"{(b.Connections == 1 ? "drains" : "drain")}"))
        .Append(Settings.Map(change => change.ToText()));
}

/// <summary>A backend that a reload would remove.</summary>
/// <param name="Name">Its address; of several services <c>SERVICE/ADDRESS</c>.</param>
/// <param name="State">Its state now: <c>up</c>, <c>cooling</c> or <c>down</c>.</param>
/// <param name="Connections">Connections that use it now, which would drain.</param>
public sealed record LeavingBackend(string Name, string State, long Connections);

/// <summary>Looks at a reload before it happens.</summary>
public static class ReloadPreviews
{
    /// <summary>What applying <paramref name="next"/> would change.</summary>
    public static ReloadPreview Of(BalConfig next, Traffic traffic, ControlState state)
    {
        var serving = state.InOrder.Filter(service => !service.Removed);
        var matched = ServiceMatching.Between(state.InOrder, next.Services);
        var several = serving.Count > 1 || next.Services.Count > 1;
        string Name(string service, Endpoint endpoint) => several ? $"{service}/{endpoint}" : endpoint.ToString();
        var after = next.Services.AsEnumerable()
            .SelectMany(service => service.Endpoints.AsEnumerable().Select(e => (service.Name, Endpoint: e))).ToArray();
        var names = matched.AsEnumerable().ToDictionary(pair => pair.Value, pair => pair.Key);
        // By the name that the service of a backend will have; a service that goes has none.
        var before = serving.AsEnumerable().SelectMany(service => service.InOrder.AsEnumerable().Where(b => !b.Draining)
            .Select(backend => (Service: names.GetValueOrDefault(service.Id) ?? "", Old: service, Backend: backend)))
                .ToArray();
        var stays = after.ToHashSet();
        var was = before.Select(b => (b.Service, b.Backend.Endpoint)).ToHashSet();
        var connections = traffic.Backends.ToDictionary(t => t.Backend, t => t.Active);
        return new(
            new(after.Where(was.Contains).Select(b => Name(b.Name, b.Endpoint))),
            new(after.Where(b => !was.Contains(b)).Select(b => Name(b.Name, b.Endpoint))),
            new(before.Where(b => !stays.Contains((b.Service, b.Backend.Endpoint))).Select(b => new LeavingBackend(
                Name(b.Old.Config.Name, b.Backend.Endpoint),
                StatusReports.StateOf(b.Backend),
                connections.GetValueOrDefault(b.Backend.Id)))),
            next.Services.Filter(service => !matched.ContainsKey(service.Name)).Map(service => service.Name),
            serving.Filter(service => !names.ContainsKey(service.Id)).Map(service => service.Config.Name),
            new(serving
                .Where(service => names.GetValueOrDefault(service.Id, service.Config.Name) != service.Config.Name)
                .Select(service => $"{names[service.Id]}: renamed from {service.Config.Name}")),
            SettingChanges.Between(state.Config, next)
                .Append(SecretChanges.Told(SecretChanges.Between(state, next), state)));
    }
}
