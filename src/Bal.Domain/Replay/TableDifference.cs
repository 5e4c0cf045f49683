using Bal.Domain.Control;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Replay;

/// <summary>In what two states would serve clients differently.</summary>
internal static class TableDifference
{
    /// <summary>A line for each backend that both have, and for protection mode.</summary>
    public static Arr<string> Describe(ControlState recorded, ControlState other) =>
        recorded.InOrder.Filter(here => !here.Removed).Bind(here => other.ServiceNamed(here.Config.Name).Match(
            Some: there => Between(here, there),
            None: () => Arr<string>.Empty));

    private static Arr<string> Between(ServiceState here, ServiceState there)
    {
        var lines = new List<string>();
        if (here.Protection.IsOn != there.Protection.IsOn)
            lines.Add($"protection mode is {OnOff(here)} as recorded, {OnOff(there)} with the new configuration");
        var (places, others) = (Places(here), Places(there));
        var shared = there.Config.Endpoints.ToHashSet();
        foreach (var endpoint in here.Config.Endpoints.Filter(shared.Contains))
        {
            var (is_, was) = (Place(endpoint, others), Place(endpoint, places));
            if (is_ != was)
                lines.Add($"backend {endpoint} is {was} as recorded, {is_} with the new configuration");
        }

        return new Arr<string>(lines);
    }

    private static string OnOff(ServiceState service) => service.Protection.IsOn ? "on" : "off";

    private static string Place(Endpoint endpoint, Dictionary<Endpoint, string> places) =>
        places.GetValueOrDefault(endpoint, "without an address");

    private static Dictionary<Endpoint, string> Places(ServiceState service)
    {
        var table = Publishing.TableOf(service);
        var places = new Dictionary<Endpoint, string>();
        if (!BackupRule.Allows(service))
        {
            foreach (var backup in service.Backends.Values.Where(b => BackupRule.IsBackup(service, b)))
                places[backup.Endpoint] = "a backup that is not used";
        }

        foreach (var route in table.Up)
            places[route.Endpoint] = "up";
        foreach (var route in table.Cooling)
            places[route.Endpoint] = "cooling";
        foreach (var route in table.Down.Append(table.BackupsDown))
            places[route.Endpoint] = "down";
        return places;
    }
}
