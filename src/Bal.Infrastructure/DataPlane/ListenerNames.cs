using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Relay;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>How the clients of one address are told apart; immutable.</summary>
/// <param name="Names">The index of the service of each name.</param>
/// <param name="Nameless">That of the service for all other clients; <see cref="None"/> where there is none.</param>
internal sealed record ListenerNames(ServerNames<int> Names, int Nameless)
{
    /// <summary>No service.</summary>
    public const int None = -1;

    /// <summary>The names of the services on an address; null where one has it to itself, without names.</summary>
    public static ListenerNames? Of(SharedAddress<ListeningService> address) =>
        address.Members is [{ Service.ServerNames.IsEmpty: true }]
            ? null
            : new(
                new ServerNames<int>(address.Members.SelectMany(member => member.Service.ServerNames.Select(
                    name => KeyValuePair.Create(name, member.Plane.Index)))),
                address.Nameless.Match(member => member.Plane.Index, () => None));
}

/// <summary>A service with what the loops share of it.</summary>
internal sealed record ListeningService(Service Service, ServicePlane Plane);

/// <summary>
/// The addresses that a configuration is about to listen on, names of machines looked up: what no reading of the file
/// can tell.
/// </summary>
internal sealed class WantedAddresses
{
    private readonly AddressTable<string> table = new();
    private readonly Dictionary<BoundAddress, SharedAddress<Service>> shared = [];

    /// <summary>
    /// Enters an address of a service; the kernel would share clients between two that cannot have it.
    /// </summary>
    public Either<Problem, Unit> Enter(BoundAddress address, Service service)
    {
        if (table.Enter(address.Endpoint, address.V6Only, service.Name) is { } other)
            return Both(address, other, service.Name);
        if (!shared.TryGetValue(address, out var at))
            shared[address] = at = new SharedAddress<Service>(member => member);
        return at.Join(service).HeadOrNone().Match(
            Some: conflict => conflict.Key.Match(
                () => Both(address, conflict.Value.Name, service.Name),
                differs => Disagree(
                    "listener_keys_differ", address, conflict.Value, service,
                    $"differ in {differs.Path} ({differs.Other} and {differs.Value})",
                    $"give '{differs.Path}' the same value in both services"),
                name => Disagree(
                    "server_name_taken", address, conflict.Value, service, $"both have the server name {name}",
                    "remove the name from one of the two services")),
            None: () => Either<Problem, Unit>.Right(Unit.Default));
    }

    /// <summary>Whether a service is among those that listen there.</summary>
    public bool Has(BoundAddress address, string service) =>
        shared.TryGetValue(address, out var at) && at.Members.Any(member => member.Name == service);

    private static Problem Both(BoundAddress address, string one, string other) => new(
        "listeners_overlap",
        $"services {one} and {other} would both accept connections to {address.Endpoint}",
        "bind_address of one of them is a name, and one of its addresses is that of the other service",
        "give one of the two services another port, or write the addresses in place of the name");

    private static Problem Disagree(
        string code, BoundAddress address, Service one, Service other, string what, string remedy) => new(
        code,
        $"services {one.Name} and {other.Name} both listen on {address.Endpoint} and {what}",
        "bind_address of one of them is a name, and one of its addresses is that of the other service",
        $"{remedy}, or give one of them another port, then run 'bal check' again");
}
