using Bal.Domain.Backend;
using Bal.Domain.Config;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>
/// Which service of before each service of a new configuration is: the one of its name; else, since an operator may rename one,
/// the one of its listener that no other name claims; else one of its name that still drains. All others are new.
/// </summary>
public static class ServiceMatching
{
    /// <summary>The identities of the services that stay, by their new names.</summary>
    /// <param name="before">The services that there are, removed ones that drain included.</param>
    /// <param name="after">Those of the new configuration.</param>
    public static Map<string, ServiceId> Between(Arr<ServiceState> before, Arr<Service> after)
    {
        var wanted = after.Map(service => service.Name).ToHashSet();
        var named = before.Filter(s => !s.Removed && wanted.Contains(s.Config.Name))
            .ToDictionary(s => s.Config.Name, s => s.Id, StringComparer.Ordinal);
        var orphans = before.Filter(s => !s.Removed && !wanted.Contains(s.Config.Name));
        var byListener = orphans.DistinctBy(s => s.Config.Listener).ToDictionary(s => s.Config.Listener, s => s.Id);
        // The latest of several: only it can have connections that the others have not.
        var drained = before.Filter(s => s.Removed).GroupBy(s => s.Config.Name)
            .ToDictionary(group => group.Key, group => group.Last().Id, StringComparer.Ordinal);
        var matched = new List<(string, ServiceId)>();
        foreach (var service in after)
        {
            if (named.TryGetValue(service.Name, out var same) || byListener.Remove(service.Listener, out same)
                || drained.Remove(service.Name, out same))
                matched.Add((service.Name, same));
        }

        return new(matched);
    }
}
