using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// No two listeners may accept the same connection, within a service or between two (<see cref="AddressTable{T}"/>),
/// unless they listen on the same address and the names of clients tell them apart (<see cref="SharedAddress{T}"/>).
/// </summary>
internal static class ListenerRules
{
    /// <summary>
    /// An address that takes what another one takes already, and services that cannot share an address.
    /// </summary>
    public static IEnumerable<Finding> Overlaps(Arr<ReadService> services)
    {
        var table = new AddressTable<Bound>();
        var shared = new Dictionary<Endpoint, SharedAddress<Bound>>();
        var said = new System.Collections.Generic.HashSet<string>();
        foreach (var service in services.Where(service => service.ListenerIsSound))
        {
            foreach (var bound in Addresses(service))
            {
                if (table.Enter(bound.Endpoint, service.Config.Listener.IPv6Only, bound) is { } earlier)
                    yield return Overlap(bound, earlier);
                if (!shared.TryGetValue(bound.Endpoint, out var address))
                    shared[bound.Endpoint] = address = new SharedAddress<Bound>(member => member.Service.Config);
                if (address.Members.LastOrDefault() is { } last && last.Service == service)
                {
                    yield return Overlap(bound, last);
                    continue;
                }

                // Two services may have several addresses in common.
                foreach (var finding in address.Join(bound).Choose(at => Conflict(at.Key, bound, at.Value)))
                    if (said.Add($"{finding.Code} {finding.Path}"))
                        yield return finding;
            }
        }
    }

    /// <summary>Whether all that a service listens on are Unix sockets, which have no port.</summary>
    public static bool IsUnixOnly(Fields service) => service.Find(Settings.BindAddress)
        .Map(field => Kinds.Hosts.Read(field).Value.Exists(hosts => new Listener((Arr<Host>)hosts, 0).IsUnixOnly))
        .IfNone(false);

    /// <summary>What is said of the address of a service that has no meaning there.</summary>
    public static IEnumerable<Finding> WithoutEffect(ReadService service)
    {
        if (!service.Edits.Sound(Settings.BindAddress))
            yield break;
        var listener = service.Config.Listener;
        if (listener.IsUnixOnly && service.Given.Find(Settings.Port).Case is Field port)
            yield return Faults.Error("key_without_effect", port.Path, port.KeyAt,
                $"{port.Path}: {listener} is a Unix socket, which has no port", "remove the line");
        if (service.Given.Find(Settings.SocketMode).Case is Field mode
            && !listener.Addresses.Exists(host => host is Host.Unix))
            yield return Faults.Warning("key_without_effect", mode.Path, mode.KeyAt,
                $"{mode.Path} has no effect: {service.Given.PathOf(Settings.BindAddress)} has no Unix socket",
                "remove the line");
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
            same ? "remove one of the two"
            : bound.Host.Equals(earlier.Host)
                ? $"give one of the two services another port, another address, or '{Settings.ServerNames}' by which "
                    + "TLS clients ask for it"
            : "give one of the two services another port or another address");
    }

    // What could not be read has its own finding.
    private static Option<Finding> Conflict(AddressConflict conflict, Bound bound, Bound earlier) => conflict.Match(
        () => bound.Service.Edits.Sound(Settings.ServerNames) && earlier.Service.Edits.Sound(Settings.ServerNames)
            ? Overlap(bound, earlier)
            : Option<Finding>.None,
        differs => IsSound(differs, bound.Service) && IsSound(differs, earlier.Service)
            ? Difference(differs, bound, earlier)
            : Option<Finding>.None,
        name => SameName(name, bound, earlier));

    private static bool IsSound(AddressConflict.Differs differs, ReadService service) =>
        differs.Block == Settings.RuntimeBlock
            ? service.Tuning.Sound(differs.Key)
            : service.Edits.Sound(differs.Block.Length == 0 ? differs.Key : differs.Block);

    private static Finding Difference(AddressConflict.Differs differs, Bound bound, Bound earlier)
    {
        var (at, other) = (PlaceOf(differs, bound), PlaceOf(differs, earlier));
        return Faults.Error("listener_keys_differ", at.Path, at.At,
            $"{at.Path} is {differs.Value}{Source(at)}, and {other.Path} is {differs.Other}{Source(other)} (line "
                + $"{other.At.Line}): both services listen on {bound.Shown}, which has one value for both",
            $"give '{differs.Path}' the same value in both services, or give one of them another port or another "
                + "address");

        static string Source(Place place) => place.IsGiven ? "" : " (the default)";
    }

    // Where the file says nothing, the place is that of the address.
    private static Place PlaceOf(AddressConflict.Differs differs, Bound bound)
    {
        var service = bound.Service;
        var given = differs.Block == Settings.RuntimeBlock
            ? service.Tuning.Find(differs.Key)
            : differs.Block.Length == 0 ? service.Given.Find(differs.Key)
            : from block in service.Given.Find(differs.Block)
              from keys in block.Value is RawNode.Mapping mapping
                  ? Fields.Read(mapping, block.Path, Prelude.Array(differs.Key)).Value : Option<Fields>.None
              from field in keys.Find(differs.Key)
              select field;
        return given.Match(
            field => new Place(field.Path, field.Value.At, true),
            () => new Place(service.Given.PathOf(differs.Path), bound.At, false));
    }

    private static Finding SameName(ServerName name, Bound bound, Bound earlier)
    {
        var (at, other) = (PlaceOf(name, bound.Service), PlaceOf(name, earlier.Service));
        return Faults.Error("server_name_taken", at.Path, at.At,
            $"{at.Path}: {name} is already a name of {earlier.Name} (line {other.At.Line}), which listens on "
                + $"{bound.Shown} as well",
            "remove the name from one of the two services, or give one of them another port or another address");
    }

    private static Place PlaceOf(ServerName name, ReadService service)
    {
        var place = ServerNameLists.Places(service).First(place => place.Key == name).Value;
        return new Place(place.Path, place.Value.At, true);
    }

    private static IEnumerable<Bound> Addresses(ReadService service)
    {
        var given = service.Given.Find(Settings.BindAddress);
        var items = given.Map(field => field.Value is RawNode.Sequence list ? [.. field.Items(list)] : new[] { field })
            .IfNone([]);
        var at = service.Given.Find(Settings.Port).Map(port => port.Value.At).IfNone(service.Given.At);
        return service.Config.Listener.Endpoints.Select((endpoint, i) => new Bound(
            endpoint, service, service.Given.Path,
            i < items.Length ? items[i].Path : service.Given.PathOf(Settings.Port),
            i < items.Length ? items[i].Value.At : at));
    }

    private sealed record Place(string Path, SourcePosition At, bool IsGiven);

    private sealed record Bound(Endpoint Endpoint, ReadService Service, string Name, string Path, SourcePosition At)
    {
        public Host Host => Endpoint.Host;

        public string Shown => Endpoint.ToString();

        public bool Equals(Bound? other) => ReferenceEquals(this, other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
    }
}
