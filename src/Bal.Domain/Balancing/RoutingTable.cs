using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Balancing;

/// <summary>How good a candidate a backend is: the order of trial.</summary>
public enum Tier
{
    /// <summary>In rotation.</summary>
    Up,

    /// <summary>In rotation, but client connects to it have just failed: a last resort.</summary>
    Cooling,

    /// <summary>Out of rotation: the last of the last resorts.</summary>
    Down,

    /// <summary>A backup that is out of rotation, where backups may be used: after the primaries that are.</summary>
    BackupDown,
}

/// <summary>A backend as the event loops see it.</summary>
/// <param name="Id">Its identity.</param>
/// <param name="Config">As configured.</param>
/// <param name="Weight">Its share at present, relative to the others of the table; above 0.</param>
/// <param name="Addresses">What to connect to, the preferred address first; never empty.</param>
/// <param name="WantsSuccess">
/// Whether a successful connect would change anything and so must be reported. On a healthy system it is false
/// everywhere and the loops report nothing at all.
/// </param>
public sealed record Route(
    BackendId Id, BackendConfig Config, int Weight, Arr<IPAddress> Addresses, bool WantsSuccess)
{
    /// <summary>Where it is.</summary>
    public Endpoint Endpoint => Config.Endpoint;
}

/// <summary>
/// Everything that an event loop needs to know to serve the clients of one service; immutable, published whole.
/// </summary>
/// <param name="Id">The identity of the service.</param>
/// <param name="Service">Its configuration: limits, timeouts and the way of choosing are read there.</param>
/// <param name="Up">Backends in rotation, in the order of the file.</param>
/// <param name="Cooling">Backends that cool down.</param>
/// <param name="Down">Backends out of rotation.</param>
/// <param name="Protection">Whether protection mode is on: then a client gets one last-resort try.</param>
/// <param name="Removed">
/// Whether a reload removed the service: its listener closes. Its backends are still offered to the clients that the
/// queue of the listener holds at that moment.
/// </param>
/// <param name="Draining">Backends that a reload removed and that still have connections.</param>
public sealed record RoutingTable(
    ServiceId Id,
    Service Service,
    Arr<Route> Up,
    Arr<Route> Cooling,
    Arr<Route> Down,
    bool Protection,
    bool Removed,
    Arr<BackendId> Draining)
{
    /// <summary>
    /// Backups out of rotation. A backup is in a table only while backups may be used: no primary is then up or
    /// cooling, so that <see cref="Up"/> and <see cref="Cooling"/> hold primaries or backups, never both.
    /// </summary>
    public Arr<Route> BackupsDown { get; init; } = Arr<Route>.Empty;

    /// <summary>The backends of one tier.</summary>
    public Arr<Route> Of(Tier tier) => tier switch
    {
        Tier.Up => Up,
        Tier.Cooling => Cooling,
        Tier.Down => Down,
        _ => BackupsDown,
    };

    /// <summary>Everything that may be tried, in the order of the tiers.</summary>
    public IEnumerable<Route> All => Up.Append(Cooling).Append(Down).Append(BackupsDown);
}
