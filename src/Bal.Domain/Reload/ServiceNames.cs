using Bal.Domain.Config;
using Bal.Domain.Relay;
using LanguageExt;

namespace Bal.Domain.Reload;

/// <summary>
/// Which service of before each service of a new configuration is: the one of its name; else, since an operator may
/// rename one, the one of its listener and its server names that no other name claims.
/// </summary>
public static class ServiceNames
{
    /// <summary>For each service that stays, by its new name, the name that it had.</summary>
    public static Map<string, string> Before(Arr<Service> before, Arr<Service> after)
    {
        var had = before.Select(service => service.Name).ToHashSet(StringComparer.Ordinal);
        var wanted = after.Select(service => service.Name).ToHashSet(StringComparer.Ordinal);
        var orphans = before.Filter(service => !wanted.Contains(service.Name)).DistinctBy(Place)
            .ToDictionary(Place, service => service.Name);
        var names = new List<(string, string)>();
        foreach (var service in after)
        {
            if (had.Contains(service.Name))
                names.Add((service.Name, service.Name));
            else if (orphans.Remove(Place(service), out var old))
                names.Add((service.Name, old));
        }

        return new(names);

        static (Listener Listener, Arr<ServerName> Names) Place(Service service) =>
            (service.Listener, service.ServerNames);
    }
}
