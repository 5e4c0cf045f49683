using System.Net;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>
/// Something that happened, as the shell tells the core. Together with the time it is the only input there is.
/// </summary>
public abstract record ControlEvent
{
    private ControlEvent() { }

    /// <summary>Time has passed: whatever is due by now is to be done.</summary>
    public sealed record Tick : ControlEvent;

    /// <summary>A probe ended.</summary>
    /// <param name="Backend">Whose.</param>
    /// <param name="Outcome">What it showed.</param>
    /// <param name="Via">The address that answered; none if it failed.</param>
    public sealed record ProbeEnded(BackendId Backend, Outcome Outcome, Option<IPAddress> Via) : ControlEvent;

    /// <summary>A name was resolved.</summary>
    /// <param name="Name">The name.</param>
    /// <param name="Addresses">
    /// Its addresses in order of preference (RFC 6724), however many; empty if the lookup failed.
    /// </param>
    public sealed record Resolved(string Name, Arr<IPAddress> Addresses) : ControlEvent;

    /// <summary>Connects for clients to every address of a backend failed.</summary>
    /// <param name="Backend">Whose.</param>
    /// <param name="Kind">The most telling failure of its addresses.</param>
    /// <param name="Count">How many clients, above zero.</param>
    public sealed record ConnectsFailed(BackendId Backend, FailureKind Kind, int Count) : ControlEvent;

    /// <summary>Connects for clients succeeded, reported where the table asks for it.</summary>
    /// <param name="Backend">Whose.</param>
    /// <param name="Count">How many, above zero.</param>
    public sealed record ConnectsSucceeded(BackendId Backend, int Count) : ControlEvent;

    /// <summary>Every candidate failed for a client, or there was none.</summary>
    /// <param name="Service">The service it came to.</param>
    public sealed record ClientExhausted(ServiceId Service) : ControlEvent;

    /// <summary>Clients got no service.</summary>
    /// <param name="Service">The service they came to.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="Total">How many of this service for this reason, since the start of bal.</param>
    public sealed record ClientsRefused(ServiceId Service, Refusal Reason, long Total) : ControlEvent;

    /// <summary>Connections were ended because nothing came from them any more.</summary>
    /// <param name="Service">Their service.</param>
    /// <param name="Reason">One of <see cref="Silences"/>.</param>
    /// <param name="Total">How many of this service for this reason, since the start of bal.</param>
    public sealed record ConnectionsSilenced(ServiceId Service, TerminationReason Reason, long Total) : ControlEvent;

    /// <summary>Reports of the event loops were lost, because their queue was full.</summary>
    /// <param name="Total">How many since the start of the process.</param>
    public sealed record ReportsLost(long Total) : ControlEvent;

    /// <summary>The last connection of a draining backend ended.</summary>
    /// <param name="Backend">Whose.</param>
    public sealed record BackendIdle(BackendId Backend) : ControlEvent;

    /// <summary>A valid configuration was read again and what it needs of the system has been acquired.</summary>
    /// <param name="Config">The new configuration.</param>
    public sealed record Reloaded(BalConfig Config) : ControlEvent
    {
        /// <summary>
        /// The backends whose health check says something else than before although it looks the same: what it says is
        /// not recorded.
        /// </summary>
        public Arr<BackendId> OtherSecrets { get; init; } = Arr<BackendId>.Empty;
    }

    /// <summary>A reload was refused; everything stays as it is.</summary>
    /// <param name="Problem">Why.</param>
    public sealed record ReloadRefused(Problem Problem) : ControlEvent;

    /// <summary>SIGTERM or SIGINT: stop, and where a stop is under way already, end immediately.</summary>
    public sealed record StopRequested : ControlEvent
    {
        /// <summary>
        /// A command asked for it, which may be given again: while a stop is under way it can only shorten it.
        /// </summary>
        public bool ByCommand { get; init; }

        /// <summary>How long the drain may take; as configured where this is none.</summary>
        public Option<Duration> Within { get; init; }
    }

    /// <summary>No connection is open while bal drains.</summary>
    public sealed record AllIdle : ControlEvent;

    /// <summary>
    /// Another process has taken over the listeners and everything known; this one only finishes what it has open.
    /// </summary>
    /// <param name="Pid">Its process id.</param>
    public sealed record HandedOver(int Pid) : ControlEvent;

    /// <summary>An operator wants backends used otherwise than before.</summary>
    /// <param name="Order">How.</param>
    /// <param name="By">Who, and when.</param>
    public sealed record Ordered(OperatorOrder Order, Operator By) : ControlEvent;

    /// <summary>What an earlier process has kept was read.</summary>
    /// <param name="Overrides">What was ordered there and still holds.</param>
    /// <param name="PutAside">Why it could not be read; none where it could.</param>
    public sealed record OverridesRead(Arr<KeptOverride> Overrides, Option<string> PutAside) : ControlEvent;

    /// <summary>An attempt to keep what operators have ordered has ended.</summary>
    /// <param name="Change">Of which change; see <see cref="ControlEffect.KeepOverrides"/>.</param>
    /// <param name="WhyNot">Why it failed; none where it is on disk.</param>
    public sealed record OverridesKept(long Change, Option<string> WhyNot) : ControlEvent;

    /// <summary>Applies the function of the case that this event is.</summary>
    public T Match<T>(
        Func<T> tick,
        Func<ProbeEnded, T> probeEnded,
        Func<Resolved, T> resolved,
        Func<ConnectsFailed, T> connectsFailed,
        Func<ConnectsSucceeded, T> connectsSucceeded,
        Func<ClientExhausted, T> clientExhausted,
        Func<ClientsRefused, T> clientsRefused,
        Func<ConnectionsSilenced, T> connectionsSilenced,
        Func<ReportsLost, T> reportsLost,
        Func<BackendIdle, T> backendIdle,
        Func<Reloaded, T> reloaded,
        Func<ReloadRefused, T> reloadRefused,
        Func<StopRequested, T> stopRequested,
        Func<T> allIdle,
        Func<HandedOver, T> handedOver,
        Func<Ordered, T> ordered,
        Func<OverridesRead, T> overridesRead,
        Func<OverridesKept, T> overridesKept) => this switch
        {
            Tick => tick(),
            ProbeEnded e => probeEnded(e),
            Resolved e => resolved(e),
            ConnectsFailed e => connectsFailed(e),
            ConnectsSucceeded e => connectsSucceeded(e),
            ClientExhausted e => clientExhausted(e),
            ClientsRefused e => clientsRefused(e),
            ConnectionsSilenced e => connectionsSilenced(e),
            ReportsLost e => reportsLost(e),
            BackendIdle e => backendIdle(e),
            Reloaded e => reloaded(e),
            ReloadRefused e => reloadRefused(e),
            StopRequested e => stopRequested(e),
            AllIdle => allIdle(),
            HandedOver e => handedOver(e),
            Ordered e => ordered(e),
            OverridesRead e => overridesRead(e),
            OverridesKept e => overridesKept(e),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
