using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>A service with the places it was read from.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Given">Its keys.</param>
/// <param name="Edits">What they change.</param>
/// <param name="Backends">Its backends, as far as they can be read.</param>
/// <param name="Tuning">Its <c>runtime</c>.</param>
internal sealed record ReadService(
    string Name, Fields Given, Edits<Service> Edits, Arr<ReadBackend> Backends, ServiceTuning Tuning)
{
    /// <summary>The service; where it has an error, as much of it as can be read.</summary>
    public Service Config { get; } = Edits.Apply(Settings.OfService.Defaults(1, Settings.BlankService)) with
    {
        Name = Name,
        Backends = Backends.Map(entry => entry.Config),
        Tuning = Tuning.Value,
    };

    /// <summary>Whether what stands in for its listener is what the file says.</summary>
    public bool ListenerIsSound => Edits.Sound(Settings.BindAddress, Settings.Port);
}

/// <summary>Reads one service or several.</summary>
internal static class ServiceRules
{
    /// <summary>How many services a file may have.</summary>
    public const int Most = 2_000;

    /// <summary>The pattern of a valid name.</summary>
    public const string NamePattern = "^[a-z0-9][a-z0-9_-]{0,62}$";

    private const int LongestName = 63;

    private const string NameExpected =
        "a name of at most 63 lower-case letters, digits, '-' and '_' that begins with a letter or a digit";

    /// <summary>The mappings of the services: the document itself, or those under <c>services</c>.</summary>
    public static Checked<Arr<Fields>> All(Fields top) => top.Find(Settings.Services).Match(
        services => Named(services).With(BesideServices(top, services)),
        () => Checked.Good(Prelude.Array(top)));

    /// <summary>The single error for a file that has too many services or backends to be validated further.</summary>
    public static Option<Finding> TooMany(int services, int backends, SourcePosition at) =>
        services > Most
            ? Faults.Error("too_many_services", Settings.Services, at,
                $"the file has {services} services: expected at most {Most}", "split it between several instances")
        : backends > BackendRules.Most
            ? Faults.Error("too_many_backends", Settings.Backends, at,
                $"the file has {backends} backends: expected at most {BackendRules.Most}",
                "split it between several instances")
        : Option<Finding>.None;

    /// <summary>Reads every service.</summary>
    /// <param name="top">The document.</param>
    /// <param name="runtime">The <c>runtime</c> of the top level.</param>
    /// <param name="services">The mappings of the services.</param>
    public static Checked<Arr<ReadService>> Read(Fields top, Fields runtime, Arr<Fields> services) =>
        Settings.Runtime.Read(runtime).Then(shared => top.Find(Settings.Services).IsNone
            ? One(Service.DefaultName, top, Edits<Tuning>.None(runtime), shared).Map(one => Prelude.Array(one))
            : Checked.Each(services, (service, _) =>
                TuningRules.Block(service, Settings.Runtime.Keys).Then(Settings.Runtime.Read)
                    .Then(own => One(service.Path[(Settings.Services.Length + 1)..], service, shared, own))
                    .With(WithoutPort(service))));

    private static Checked<ReadService> One(string name, Fields given, Edits<Tuning> shared, Edits<Tuning> own)
    {
        var backends = BackendRules.Read(given);
        var read = backends.Value.IfNone(Arr<ReadBackend>.Empty);
        return Settings.OfService.Read(given)
            .Map(edits => new ReadService(name, given, edits, read, new ServiceTuning(
                shared, own, BackendRules.CountOf(given), edits.Apply(Settings.BlankService).HealthCheck.Asks
                    || read.Exists(backend => backend.Config.HealthCheck.Exists(check => check.Asks)))))
            .With(backends.Findings);
    }

    // A single service has the default port; with several, each needs a port of its own.
    private static IEnumerable<Finding> WithoutPort(Fields service) => service.Find(Settings.Port).IsSome
        || ListenerRules.IsUnixOnly(service)
        ? []
        : [Faults.Missing(service, Settings.Port, $"{IntRange.Port.ToText()}: each service needs its own",
            "add 'port:' to this service")];

    private static IEnumerable<Finding> BesideServices(Fields top, Field services)
    {
        var own = Settings.ServiceKeys.Filter(key => key != Settings.RuntimeBlock).Choose(top.Find);
        return own.HeadOrNone().Map(first => Faults.Error("services_beside_keys", first.Path, first.KeyAt,
            $"{string.Join(", ", own.Map(field => field.Path))} at the top level beside 'services' (line "
                + $"{services.KeyAt.Line}): expected the keys of one service or 'services', not both",
            "move these keys under 'services:', below a name such as 'main:', indented by four spaces")).AsEnumerable();
    }

    private static Checked<Arr<Fields>> Named(Field services) =>
        services.Value is RawNode.Mapping { Entries.IsEmpty: false } all
        ? Fields.Read(all, services.Path, (key, at, _) => IsName(key)
                ? Option<Finding>.None
                : Faults.Error("invalid_name", services.Path, at,
                    $"{services.Path}: expected {NameExpected}, found \"{Shown.Text(key)}\"", Rename(key)))
            .Then(names => Checked.Each(names.All, (service, _) => service.Value is RawNode.Mapping keys
                ? Fields.Read(keys, service.Path, Settings.ServiceKeys, Settings.PlaceOf)
                : Checked.Bad<Fields>(Scalars.WrongKind(service, "the keys of a service",
                    "write 'port:' and 'backends:' below the name, indented by two more spaces"))))
        : Checked.Bad<Arr<Fields>>(Scalars.WrongKind(services, "a mapping of names to services",
            "write a name such as 'web:', indented by two spaces, and below it the keys of the service"));

    private static bool IsName(string text) =>
        text.Length is > 0 and <= LongestName && text[0] is not ('-' or '_')
        && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_');

    private static string Rename(string key) => key.ToLowerInvariant().Replace(' ', '-').Replace('.', '-') is var near
        && near != key && IsName(near)
        ? $"write '{near}:'"
        : "write a name such as 'orders-db'";
}
