using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Reload;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>
/// Which service of before each service of a new configuration is: one that serves, by <see cref="ServiceNames"/>, else
/// one of its name that still drains. All others are new.
/// </summary>
public static class ServiceMatching
{
    /// <summary>The identities of the services that stay, by their new names.</summary>
    /// <param name="before">The services that there are, removed ones that drain included.</param>
    /// <param name="after">Those of the new configuration.</param>
    public static Map<string, ServiceId> Between(Arr<ServiceState> before, Arr<Service> after)
    {
        var serving = before.Filter(service => !service.Removed);
        var ids = serving.ToDictionary(service => service.Config.Name, service => service.Id, StringComparer.Ordinal);
        var names = ServiceNames.Before(serving.Map(service => service.Config), after);
        // The latest of several: only it can have connections that the others have not.
        var drained = before.Filter(service => service.Removed).GroupBy(service => service.Config.Name)
            .ToDictionary(group => group.Key, group => group.Last().Id, StringComparer.Ordinal);
        var matched = new List<(string, ServiceId)>();
        foreach (var service in after)
        {
            if (names.Find(service.Name) is { IsSome: true } old)
                matched.Add((service.Name, ids[(string)old]));
            else if (drained.Remove(service.Name, out var same))
                matched.Add((service.Name, same));
        }

        return new(matched);
    }
}
