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
        return Find(word, services.Map(Names)).Map(place => new Target(
            services[place.Service], place.Backend.Map(i => services[place.Service].InOrder[i])));
    }

    /// <summary>The service called <paramref name="name"/>; one that serves before one that drains.</summary>
    public static Either<Problem, ServiceState> FindService(string name, ControlState state)
    {
        var services = state.InOrder;
        return services.Find(service => service.Config.Name == name)
            .ToEither(() => UnknownService(name, services.Map(Names)));
    }

    /// <summary>
    /// The part of a report that <paramref name="word"/> names; its totals are those of the part. A report that knows
    /// of no service stays as it is.
    /// </summary>
    public static Either<Problem, StatusReport> Narrow(string word, StatusReport report)
    {
        if (report.Services.IsEmpty)
            return report;
        // A removed service that drains may have the name of one that serves, which comes first.
        var backends = report.Backends.DistinctBy(b => (b.Service, b.Address)).ToLookup(b => b.Service);
        return Find(word, report.Services.Map(service => new Named(service.Name, new(backends[service.Name].Select(
            b => new NamedBackend(b.Address, b.IsRemoved)))))).Map(place =>
        {
            var service = report.Services[place.Service];
            var own = new Arr<BackendReport>(backends[service.Name]);
            return place.Backend.Match(
                i => report with
                {
                    Services = Prelude.Array(service with
                    {
                        BackendTotal = own[i].IsRemoved ? 0 : 1,
                        BackendReachable = own[i].Reachable ? 1 : 0,
                        Usable = own[i].IsUsable ? 1 : 0,
                        Impaired = own[i].Reachable || own[i].State == BackendReport.Draining ? 0 : 1,
                        ActiveConnections = own[i].ActiveConnections,
                    }),
                    Backends = Prelude.Array(own[i]),
                },
                () => report with { Services = Prelude.Array(service), Backends = own });
        });
    }

    private static Either<Problem, Place> Find(string word, Arr<Named> services)
    {
        // The path of a Unix socket has slashes of its own.
        var slash = IsSocket(word) ? -1 : word.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
            return ServiceNamed(word, services).Match(
                i => new Place(i, Option<int>.None), () => OneOf(word, services, Everywhere(services)));
        return ServiceNamed(word[..slash], services).Match(
            i => OneOf(word[(slash + 1)..], services, [i]),
            () => UnknownService(word[..slash], services));
    }

    private static bool IsSocket(string word) => word.StartsWith(Host.Unix.Prefix, StringComparison.Ordinal);

    private static Either<Problem, Place> OneOf(string word, Arr<Named> services, IEnumerable<int> among)
    {
        var where = new Arr<int>(among);
        var found = Matching(word, services, where);
        return found.Count switch
        {
            1 => found[0],
            0 => !word.All(char.IsAsciiDigit)
                && Matching(word, services, new Arr<int>(Everywhere(services))) is { IsEmpty: false } elsewhere
                ? Elsewhere(word, services[where[0]].Service, elsewhere.Map(place => place.In(services)))
                : Unknown(word, where.Map(i => services[i])),
            _ => Ambiguous(word, found.Map(place => place.In(services))),
        };
    }

    private static Arr<Place> Matching(string word, Arr<Named> services, Arr<int> among)
    {
        var byAddress = Where(services, among, b => Same(b.Address, word));
        if (!byAddress.IsEmpty)
            return byAddress;
        return int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? among.Filter(i => number > 0 && number <= services[i].Backends.Count
                && !services[i].Backends[number - 1].Draining).Map(i => new Place(i, number - 1))
            : Where(services, among, b => Same(b.Host, word));
    }

    private static Arr<Place> Where(Arr<Named> services, Arr<int> among, Func<NamedBackend, bool> isMeant) =>
        among.Bind(i => new Arr<Place>(services[i].Backends
            .Select((backend, j) => (backend, j))
            .Where(one => isMeant(one.backend))
            .Select(one => new Place(i, one.j))));

    private static Option<int> ServiceNamed(string name, Arr<Named> services)
    {
        var found = Everywhere(services).Where(i => services[i].Service == name).ToArray();
        return found.Length == 0 ? Option<int>.None : found[0];
    }

    private static IEnumerable<int> Everywhere(Arr<Named> services) => Enumerable.Range(0, services.Count);

    private static Named Names(ServiceState service) => new(
        service.Config.Name,
        service.InOrder.Map(b => new NamedBackend(b.Endpoint.ToString(), b.Draining)));

    private static Problem Unknown(string word, Arr<Named> services)
    {
        var names = services.Bind(s => s.Backends.Map(b => b.Address))
            .Append(services.Count > 1 ? services.Map(s => s.Service) : Arr<string>.Empty);
        var candidates = services.Count == 1
            ? services[0].Backends.Filter(b => !b.Draining).Map(b => b.Address)
            : services.Map(s => s.Service);
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

    private static Problem Elsewhere(string word, string service, Arr<string> found) => new(
        "unknown_backend",
        $"service {service} has no backend '{Shown(word)}'",
        $"{Listed(found)} has that address",
        $"did you mean {found[0]}?");

    private static Problem UnknownService(string name, Arr<Named> services)
    {
        var names = services.Map(s => s.Service);
        return new(
            "unknown_service",
            $"no service is called '{Shown(name)}'",
            $"the services are {Listed(names)}",
            Nearest.To(name, names).Match(meant => $"did you mean {meant}?", () => "name one of these"));
    }

    private static Problem Ambiguous(string word, Arr<string> found) => new(
        "ambiguous_backend",
        $"'{Shown(word)}' names {found.Count} backends",
        $"they are {Listed(found)}",
        $"write for example {found[0]}");

    private static string Listed(Arr<string> names) => string.Join(", ", names.Take(MaxListed))
        + (names.Count > MaxListed ? $" and {names.Count - MaxListed} more" : "");

    private static bool Same(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);

    private static string Shown(string word) => Printable.Short(word, 64);

    /// <summary>What a service and its backends are called.</summary>
    private sealed record Named(string Service, Arr<NamedBackend> Backends);

    private sealed record NamedBackend(string Address, bool Draining)
    {
        public string Host => Address[..Address.LastIndexOf(':')];
    }

    private sealed record Place(int Service, Option<int> Backend)
    {
        public string In(Arr<Named> services) => Backend.Match(
            i => $"{services[Service].Service}/{services[Service].Backends[i].Address}",
            () => services[Service].Service);
    }
}
