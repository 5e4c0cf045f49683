using System.Globalization;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>What an operator has named: a service, or one of its backends.</summary>
/// <param name="Service">The service.</param>
/// <param name="Backend">The backend; none where the service as a whole is meant.</param>
public sealed record Target(ServiceState Service, Option<BackendState> Backend)
{
    /// <summary>How the target is named without doubt.</summary>
    public override string ToString() =>
        Backend.Match(b => $"{Service.Config.Name}/{b.Endpoint}", () => Service.Config.Name);
}

/// <summary>
/// Finds what an operator names: <c>SERVICE</c>, <c>SERVICE/BACKEND</c>, or a backend alone where only one can be
/// meant. A backend is named by its address, by its host, or by its place in the list of its service, from 1.
/// </summary>
public static class Addressing
{
    private const int MaxListed = 10;

    /// <summary>The one thing that <paramref name="word"/> names.</summary>
    public static Either<Problem, Target> Find(string word, ControlState state)
    {
        var services = state.InOrder;
        var slash = word.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
            return ServiceNamed(word, services).Match(
                service => new Target(service, Option<BackendState>.None),
                () => OneOf(word, services));
        return ServiceNamed(word[..slash], services).Match(
            service => OneOf(word[(slash + 1)..], Prelude.Array(service)),
            () => UnknownService(word[..slash], services));
    }

    /// <summary>The service called <paramref name="name"/>; one that serves before one that drains.</summary>
    public static Either<Problem, ServiceState> FindService(string name, ControlState state) =>
        ServiceNamed(name, state.InOrder).ToEither(() => UnknownService(name, state.InOrder));

    private static Either<Problem, Target> OneOf(string word, Arr<ServiceState> services)
    {
        var found = Matching(word, services);
        return found.Count switch
        {
            1 => found[0],
            0 => Unknown(word, services),
            _ => Ambiguous(word, found),
        };
    }

    private static Arr<Target> Matching(string word, Arr<ServiceState> services)
    {
        var byAddress = Where(services, b => Same(b.Endpoint.ToString(), word));
        if (!byAddress.IsEmpty)
            return byAddress;
        return int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var place)
            ? services.Bind(service => service.Backends.Find(place - 1).Filter(b => !b.Draining)
                .Match(b => Prelude.Array(new Target(service, b)), () => Arr<Target>.Empty))
            : Where(services, b => Same(b.Endpoint.Host.ToUrlText(), word));
    }

    private static Arr<Target> Where(Arr<ServiceState> services, Func<BackendState, bool> isMeant) => services.Bind(
        service => service.InOrder.Filter(isMeant).Map(backend => new Target(service, backend)));

    private static Option<ServiceState> ServiceNamed(string name, Arr<ServiceState> services) =>
        services.Find(service => service.Config.Name == name);

    private static Problem Unknown(string word, Arr<ServiceState> services)
    {
        var names = services.Bind(s => s.InOrder.Map(b => b.Endpoint.ToString()))
            .Append(services.Count > 1 ? services.Map(s => s.Config.Name) : Arr<string>.Empty);
        var candidates = services.Count == 1
            ? services[0].InOrder.Filter(b => !b.Draining).Map(b => b.Endpoint.ToString())
            : services.Map(s => s.Config.Name);
        return new(
            "unknown_backend",
            $"no {(services.Count == 1 ? "backend" : "service or backend")} is called '{Shown(word)}'",
            $"the {(services.Count == 1 ? "backends" : "services")} are {Listed(candidates)}",
            Nearest.To(word, names).Match(
                meant => $"did you mean {meant}?",
                () => services.Count == 1
                    ? "name one of these, or its number"
                    : "name one of these, or a backend as SERVICE/BACKEND"));
    }

    private static Problem UnknownService(string name, Arr<ServiceState> services)
    {
        var names = services.Map(s => s.Config.Name);
        return new(
            "unknown_service",
            $"no service is called '{Shown(name)}'",
            $"the services are {Listed(names)}",
            Nearest.To(name, names).Match(meant => $"did you mean {meant}?", () => "name one of these"));
    }

    private static Problem Ambiguous(string word, Arr<Target> found) => new(
        "ambiguous_backend",
        $"'{Shown(word)}' names {found.Count} backends",
        $"they are {Listed(found.Map(target => target.ToString()))}",
        $"write for example {found[0]}");

    private static string Listed(Arr<string> names) => string.Join(", ", names.Take(MaxListed))
        + (names.Count > MaxListed ? $" and {names.Count - MaxListed} more" : "");

    private static bool Same(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);

    private static string Shown(string word) => Printable.Short(word, 64);
}
