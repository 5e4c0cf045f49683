using System.Net;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// A configuration that is valid by construction: only <see cref="ConfigValidation"/> makes one out of text, and every
/// default has been filled in.
/// </summary>
/// <param name="Mode">How the file describes itself, or what was inferred.</param>
/// <param name="LogLevel">The least severe level that is written.</param>
/// <param name="Threads">The number of event loops; none means one per usable core.</param>
/// <param name="Services">The services, at least one; the four-line file is one service called <c>default</c>.</param>
public sealed record BalConfig(Mode Mode, LogLevel LogLevel, Option<int> Threads, Arr<Service> Services)
{
    /// <summary>The service that the top level of the file describes.</summary>
    public Service Main => Services[0];

    /// <summary>Every address that clients connect to; several services may have the same.</summary>
    public IReadOnlyCollection<Endpoint> Addresses =>
        Services.SelectMany(service => service.Listener.Endpoints).ToHashSet();

    /// <summary>With every path of a file as <paramref name="absolute"/> makes it.</summary>
    public BalConfig Located(Func<string, string> absolute) => this with
    {
        DecisionLog = DecisionLog.Map(absolute),
        AccessLog = AccessLog.Map(path => path == StandardOutput ? path : absolute(path)),
        Services = Services.Map(service => service.With(secret => secret with { File = secret.File.Map(absolute) }) with
        {
            Access = service.Access.Located(absolute),
        }),
    };

    /// <summary>Whether the keys of its only service stand at the top level of the file.</summary>
    public bool IsSingle => Services.Count == 1 && Services[0].Name == Service.DefaultName;

    /// <summary>How log lines are written.</summary>
    public LogFormat LogFormat { get; init; }

    /// <summary>The file that decisions are recorded in, if they are; absolute once a file was loaded.</summary>
    public Option<string> DecisionLog { get; init; }

    /// <summary>What <see cref="AccessLog"/> says for the standard output.</summary>
    public const string StandardOutput = "-";

    /// <summary>
    /// Where each connection leaves a line when it ends, if it does: a file, absolute once a file was loaded, or
    /// <see cref="StandardOutput"/>.
    /// </summary>
    public Option<string> AccessLog { get; init; }

    /// <summary>The page and the metrics; none where they are not served.</summary>
    public Option<WebConfig> Web { get; init; }

    /// <summary>How long clients are still accepted after a stop request.</summary>
    public Duration StopDelay { get; init; }

    /// <summary>How long open connections may then take to end; zero cuts them at once.</summary>
    public Duration DrainTimeout { get; init; } = new(30_000);
}

/// <summary>One listener with the backends behind it and the policies between them.</summary>
/// <param name="Name">Unique among the services.</param>
/// <param name="Listener">Where clients connect.</param>
/// <param name="Method">How a backend is chosen.</param>
/// <param name="Backends">At least one, no two equal, in the order of the file.</param>
/// <param name="Tuning">The policies, each value given or auto-tuned.</param>
public sealed record Service(string Name, Listener Listener, Method Method, Arr<BackendConfig> Backends, Tuning Tuning)
{
    /// <summary>The name of the service that the top level of the file describes.</summary>
    public const string DefaultName = "default";

    /// <summary>
    /// Whether an address may be listened on before this machine has it (IP_FREEBIND, ip(7)). What is open stays open.
    /// </summary>
    public bool Freebind { get; init; }

    /// <summary>
    /// The addresses that connects to its backends come from, by turns; none where the kernel chooses.
    /// </summary>
    public Arr<IPAddress> SourceAddresses { get; init; } = Arr<IPAddress>.Empty;

    /// <summary>The permission bits of the Unix sockets that it listens on (inode(7)).</summary>
    public int SocketMode { get; init; } = DefaultSocketMode;

    /// <summary>Where the file gives none: the user of bal and the group.</summary>
    public const int DefaultSocketMode = 0x1B0;

    /// <summary>How those of its backends are checked that do not say otherwise.</summary>
    public HealthCheck HealthCheck { get; init; } = HealthCheck.Default;

    /// <summary>
    /// The names by which clients ask for it; empty where it is for those that ask for none of the others on its
    /// address.
    /// </summary>
    public Arr<ServerName> ServerNames { get; init; } = Arr<ServerName>.Empty;

    /// <summary>Who may connect.</summary>
    public AccessRule Access { get; init; } = AccessRule.Everybody;

    /// <summary>What one client may do.</summary>
    public ClientLimits ClientLimits { get; init; } = ClientLimits.None;

    /// <summary>Whose PROXY headers are believed, and who gets one.</summary>
    public ProxyProtocol Proxy { get; init; } = ProxyProtocol.Off;

    /// <summary>What happens to the open connections of a backend that goes down.</summary>
    public OpenConnections OnBackendDown { get; init; } = OpenConnections.Keep;

    /// <summary>What happens to the open connections of backups when a primary serves again.</summary>
    public OpenConnections OnPrimaryUp { get; init; } = OpenConnections.Keep;

    /// <summary>The PROXY header that connections to one of its backends begin with.</summary>
    public ProxyVersion HeaderFor(BackendConfig backend) => backend.ProxyProtocol.IfNone(Proxy.Send);

    /// <summary>
    /// The addresses that a backend may be connected to from, 0.0.0.0 where the kernel chooses. None means that the
    /// backend cannot be reached; of a name all count, since its families are known later.
    /// </summary>
    public Arr<IPAddress> SourcesTo(Endpoint backend) => SourceAddresses.IsEmpty
        ? Prelude.Array(IPAddress.Any)
        : backend.Host.Match(
            address => SourceAddresses.Filter(source => source.AddressFamily == address.AddressFamily),
            _ => SourceAddresses,
            _ => Prelude.Array(IPAddress.Any));

    /// <summary>How one of its backends is checked.</summary>
    public HealthCheck CheckOf(BackendConfig backend) => backend.HealthCheck.IfNone(HealthCheck);

    /// <summary>What its health checks say to backends, in a fixed order.</summary>
    public IEnumerable<Secret> Secrets =>
        HealthCheck.Secrets.Concat(Backends.SelectMany(backend => backend.Secrets));

    /// <summary>With other secrets, changed in the order of <see cref="Secrets"/>.</summary>
    public Service With(Func<Secret, Secret> change) => !Secrets.Any() ? this : this with
    {
        HealthCheck = HealthCheck.With(change),
        Backends = Backends.Map(backend => backend.With(change)),
    };

    /// <summary>
    /// How long a backend that has come back takes to all of its share; zero where clients are not shared by weight.
    /// </summary>
    public Duration SlowStart => Method == Method.SourceHash ? Duration.Zero : Tuning.SlowStart;

    /// <summary>Where its backends are, in the order of the file.</summary>
    public Arr<Endpoint> Endpoints => Backends.Map(backend => backend.Endpoint);
}

/// <summary>A backend as the file describes it. Within its service it is known by its endpoint.</summary>
/// <param name="Endpoint">Where it is; unique within the service.</param>
public sealed record BackendConfig(Endpoint Endpoint)
{
    /// <summary>Its own health check, in place of the service's.</summary>
    public Option<HealthCheck> HealthCheck { get; init; }

    /// <summary>The PROXY header that it gets, in place of what its service says.</summary>
    public Option<ProxyVersion> ProxyProtocol { get; init; }

    /// <summary>0..256: its share relative to the others; 0 means no new clients, not even as a last resort.</summary>
    public int Weight { get; init; } = 1;

    /// <summary>
    /// Whether it is used only while every backend without this, a primary, is down, drained or of weight 0.
    /// </summary>
    public bool Backup { get; init; }

    /// <summary>Connections that it has at once at most, connects in progress included; none for no limit.</summary>
    public Option<int> MaxConnections { get; init; }

    /// <summary>What its own health check says to it.</summary>
    public IEnumerable<Secret> Secrets => HealthCheck.Map(check => check.Secrets).IfNone(Arr<Secret>.Empty);

    /// <summary>With other secrets, changed in the order of <see cref="Secrets"/>.</summary>
    public BackendConfig With(Func<Secret, Secret> change) =>
        HealthCheck.IsNone ? this : this with { HealthCheck = HealthCheck.Map(check => check.With(change)) };

    /// <summary>The endpoint.</summary>
    public override string ToString() => Endpoint.ToString();
}

/// <summary>Where clients connect: one port on one address or more, Unix sockets, or both.</summary>
/// <param name="Addresses">
/// At least one, no two equal: literal addresses, local names resolved when the listener opens, or Unix sockets.
/// </param>
/// <param name="Port">1..65535; 0 where all of them are Unix sockets.</param>
public sealed record Listener(Arr<Host> Addresses, int Port)
{
    /// <summary>A listener on a single address.</summary>
    public Listener(Host address, int port) : this(Prelude.Array(address), port) { }

    /// <summary>The first address: the one that stands where only one is shown.</summary>
    public Host BindAddress => Addresses[0];

    /// <summary>
    /// Whether <c>::</c> stands for IPv6 alone (IPV6_V6ONLY): it does where <c>0.0.0.0</c> is in the list too.
    /// </summary>
    public bool IPv6Only =>
        Addresses.Exists(host => host is Host.Address { Value: var ip } && ip.Equals(IPAddress.Any));

    /// <summary>The same on other addresses; without a port where none of them has one.</summary>
    public Listener On(Arr<Host> addresses) => this with { Addresses = addresses } is { IsUnixOnly: true } unix
        ? unix with { Port = 0 }
        : this with { Addresses = addresses };

    /// <summary>Whether it has no port.</summary>
    public bool IsUnixOnly => !Addresses.IsEmpty && Addresses.ForAll(host => host is Host.Unix);

    /// <summary>Each address with the port, which a Unix socket does not have.</summary>
    public Arr<Endpoint> Endpoints => Addresses.Map(address => new Endpoint(address, address is Host.Unix ? 0 : Port));

    /// <summary>
    /// <c>address:port</c>, bracketed for IPv6, or <c>unix:/path</c>; several are separated by commas.
    /// </summary>
    public override string ToString() => string.Join(", ", Endpoints);
}

/// <summary>Whether the file carries a <c>runtime</c> block.</summary>
public enum Mode
{
    /// <summary>Everything is auto-tuned.</summary>
    Simple,

    /// <summary>A <c>runtime</c> block overrides some of the auto-tuned values.</summary>
    Advanced,
}

/// <summary>How a backend is chosen among equally good ones.</summary>
public enum Method
{
    /// <summary>One after the other, in one sequence for the whole process.</summary>
    RoundRobin,

    /// <summary>The one with the fewest connections for its weight.</summary>
    LeastConnections,

    /// <summary>Of two drawn by weight, the one with the fewest connections for its weight.</summary>
    RandomTwo,

    /// <summary>By the client's address: the same client gets the same backend, from every instance.</summary>
    SourceHash,
}

/// <summary>What happens to open connections when clients should no longer be where they are.</summary>
public enum OpenConnections
{
    /// <summary>They end by themselves.</summary>
    Keep,

    /// <summary>They are ended with an RST to both sides, so that their clients come again.</summary>
    Reset,
}

/// <summary>How the event loops move bytes.</summary>
public enum RelayMode
{
    /// <summary>Copy, and splice a direction while it proves to be bulk.</summary>
    Auto,

    /// <summary>Always through a buffer of the process.</summary>
    Copy,

    /// <summary>Always through a pipe in the kernel (splice(2)).</summary>
    Splice,
}

/// <summary>What happens to a connection over the limit.</summary>
public enum OverloadPolicy
{
    /// <summary>It is closed with RST, counted, and logged at most once a second.</summary>
    Reject,
}
