using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// No two listeners may accept the same connection, within a service or between two (<see cref="AddressTable{T}"/>).
/// </summary>
internal static class ListenerRules
{
    /// <summary>An address that takes what another one takes already, within a service or between two.</summary>
    public static IEnumerable<Finding> Overlaps(Arr<ReadService> services)
    {
        var table = new AddressTable<Bound>();
        foreach (var service in services.Where(service => service.ListenerIsSound))
            foreach (var bound in Addresses(service))
                if (table.Enter(bound.Endpoint, service.Config.Listener.IPv6Only, bound) is { } earlier)
                    yield return Overlap(bound, earlier);
    }

    private static Finding Overlap(Bound bound, Bound earlier)
    {
        var same = bound.Service == earlier.Service;
        return Faults.Error("listeners_overlap", bound.Path, bound.At,
            bound.Host.Equals(earlier.Host)
                ? $"{bound.Path}: {bound.Shown} is already {(same ? "listed" : $"the address of {earlier.Name}")} "
                    + $"(line {earlier.At.Line})"
                : $"{bound.Path}: {bound.Shown} overlaps with {earlier.Shown}"
                    + $"{(same ? "" : $" of {earlier.Name}")} (line {earlier.At.Line})",
            same ? "remove one of the two" : "give one of the two services another port or another address");
    }

    private static IEnumerable<Bound> Addresses(ReadService service)
    {
        var given = service.Given.Find(Settings.BindAddress);
        var items = given.Map(field => field.Value is RawNode.Sequence list ? [.. field.Items(list)] : new[] { field })
            .IfNone([]);
        var at = service.Given.Find(Settings.Port).Map(port => port.Value.At).IfNone(service.Given.At);
        return service.Config.Listener.Endpoints.Select((endpoint, i) => new Bound(
            endpoint, service.Name, service.Given.Path,
            i < items.Length ? items[i].Path : service.Given.PathOf(Settings.Port),
            i < items.Length ? items[i].Value.At : at));
    }

    private sealed record Bound(Endpoint Endpoint, string Service, string Name, string Path, SourcePosition At)
    {
        public Host Host => Endpoint.Host;

        public string Shown => Endpoint.ToString();
    }
}
