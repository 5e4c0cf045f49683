using System.Net;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
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

    /// <summary>Whether the keys of its only service stand at the top level of the file.</summary>
    public bool IsSingle => Services.Count == 1 && Services[0].Name == Service.DefaultName;

    /// <summary>The file that decisions are recorded in, if they are; absolute once a file was loaded.</summary>
    public Option<string> DecisionLog { get; init; }
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

    /// <summary>Where its backends are, in the order of the file.</summary>
    public Arr<Endpoint> Endpoints => Backends.Map(backend => backend.Endpoint);
}

/// <summary>A backend as the file describes it. Within its service it is known by its endpoint.</summary>
/// <param name="Endpoint">Where it is; unique within the service.</param>
public sealed record BackendConfig(Endpoint Endpoint)
{
    /// <summary>The endpoint.</summary>
    public override string ToString() => Endpoint.ToString();
}

/// <summary>Where clients connect: one port on one address or more.</summary>
/// <param name="Addresses">
/// At least one, no two equal: literal addresses, or local names resolved when the listener opens.
/// </param>
/// <param name="Port">1..65535.</param>
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

    /// <summary>Each address with the port.</summary>
    public Arr<Endpoint> Endpoints => Addresses.Map(address => new Endpoint(address, Port));

    /// <summary><c>address:port</c>, bracketed for IPv6; several are separated by commas.</summary>
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
