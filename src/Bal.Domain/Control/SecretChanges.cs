using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Reload;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>
/// What only the process that has the bytes can tell: a health check that looks the same and says something else.
/// </summary>
public static class SecretChanges
{
    private const int MostTold = 5;

    /// <summary>The backends that such a check has, for <see cref="ControlEvent.Reloaded.OtherSecrets"/>.</summary>
    public static Arr<BackendId> Between(ControlState state, BalConfig config)
    {
        if (!config.Services.Exists(service => service.Secrets.Any()))
            return Arr<BackendId>.Empty;
        var matched = ServiceMatching.Between(state.InOrder, config.Services);
        return new(
            from service in config.Services
            from id in matched.Find(service.Name).AsEnumerable()
            let old = state.Services[id.Value]
            let known = old.Backends.Values.DistinctBy(backend => backend.Endpoint).ToDictionary(b => b.Endpoint)
            from backend in service.Backends
            where known.ContainsKey(backend.Endpoint)
            let before = known[backend.Endpoint]
            where Differ(old.Config.CheckOf(before.Config), service.CheckOf(backend))
            select before.Id);
    }

    /// <summary>What an operator is told of it, for the first few of these backends.</summary>
    public static Arr<SettingChange> Told(Arr<BackendId> others, ControlState state) => new(
        from id in others.Take(MostTold)
        from home in state.Index.Find(id).AsEnumerable()
        let service = state.Services[home.Service.Value]
        let backend = service.Backends[home.Place].Config
        select new SettingChange(
            $"backends[{backend.Endpoint}].health_check (what is sent)",
            string.Join(", ", service.Config.CheckOf(backend).Secrets), "changed"));

    private static bool Differ(HealthCheck before, HealthCheck after) =>
        before == after && !before.Secrets.Map(s => s.Bytes).Equals(after.Secrets.Map(s => s.Bytes));
}
