using System.Globalization;
using System.Net;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Domain.Simulation;

/// <summary>What happens to bal, its backends and its clients, and what is expected to come of it.</summary>
/// <param name="Seed">Decides everything that varies.</param>
/// <param name="Length">How long clients come.</param>
/// <param name="Clients">Who comes: one or more streams of clients.</param>
/// <param name="ConnectLatency">How long a connect to a backend without a fault takes.</param>
/// <param name="Events">What happens, in order of time.</param>
/// <param name="Expected">What has to hold afterwards.</param>
public sealed record Scenario(
    ulong Seed, Duration Length, Arr<ClientLoad> Clients, Spread ConnectLatency, Arr<ScenarioEvent> Events,
    Arr<Expectation> Expected)
{
    /// <summary>The longest run.</summary>
    public static readonly Duration MaxLength = new(7 * 24 * 3_600_000L);

    /// <summary>Clients of one run at most: more would only take longer to show the same.</summary>
    public const long MaxClients = 10_000_000;

    /// <summary>How many clients of a stream come, retries not counted.</summary>
    /// <param name="stream">Which of <see cref="Clients"/>.</param>
    public long ExpectedClients(int stream)
    {
        var (total, rate, since) = (0L, Clients[stream].Rate, 0L);
        foreach (var change in Events)
        {
            if (change.Do is not ScenarioAction.SetRate set || !Concerns(set, stream)
                || change.At.Milliseconds >= Length.Milliseconds)
                continue;
            total += rate.Within(change.At.Milliseconds - since);
            (rate, since) = (set.Rate, change.At.Milliseconds);
        }

        return total + rate.Within(Length.Milliseconds - since);
    }

    /// <summary>
    /// Whether a change of the rate is one of that stream: of its service, or of the first where it names none.
    /// </summary>
    public bool Concerns(ScenarioAction.SetRate change, int stream) =>
        change.Service.Match(name => Clients[stream].Service == name, () => stream == 0);
}

/// <summary>How many clients come.</summary>
/// <param name="PerThousandSeconds">Clients in a thousand seconds, zero for none.</param>
public readonly record struct ClientRate(long PerThousandSeconds)
{
    /// <summary>How many come within a number of milliseconds.</summary>
    public long Within(long milliseconds) => PerThousandSeconds * milliseconds / 1_000_000;

    /// <summary>Clients per second, as a scenario writes them.</summary>
    public string ToText() => (PerThousandSeconds / 1_000m).ToString("0.###", CultureInfo.InvariantCulture);
}

/// <summary>A stream of clients.</summary>
/// <param name="Service">
/// The name of the service that they come to; none for the first of the configuration in force.
/// </param>
/// <param name="Rate">How many come, evenly but for a little chance.</param>
/// <param name="ConnectionLength">How long a connection lasts once it is established.</param>
/// <param name="Retries">How often a client that was not served comes again.</param>
/// <param name="RetryAfter">How long it waits before it does.</param>
public sealed record ClientLoad(
    Option<string> Service, ClientRate Rate, Spread ConnectionLength, int Retries, Duration RetryAfter)
{
    /// <summary>Where they come from; none where each client has an address of its own.</summary>
    public Option<ClientNetwork> From { get; init; }
}

/// <summary>Something that happens.</summary>
/// <param name="At">When.</param>
/// <param name="Do">What.</param>
public sealed record ScenarioEvent(Instant At, ScenarioAction Do);

/// <summary>A backend as a scenario names it.</summary>
public abstract record BackendRef
{
    private BackendRef() { }

    /// <summary>
    /// The service it is of, by name; none for the first one with a number, and for every one with an address.
    /// </summary>
    public Option<string> Service { get; init; }

    /// <summary>By its place in the configuration that bal starts with.</summary>
    /// <param name="Number">Counted from 1.</param>
    public sealed record Position(int Number) : BackendRef
    {
        /// <inheritdoc/>
        public override string ToString() => Named($"{Number}");
    }

    /// <summary>By its address.</summary>
    /// <param name="Endpoint">As configured.</param>
    public sealed record Address(Endpoint Endpoint) : BackendRef
    {
        /// <inheritdoc/>
        public override string ToString() => Named(Endpoint.ToString());
    }

    /// <summary>All of them.</summary>
    public sealed record Every : BackendRef
    {
        /// <inheritdoc/>
        public override string ToString() => Named("all");
    }

    /// <summary>The service by whose list a bal that starts with <paramref name="config"/> counts.</summary>
    public Option<Service> ServiceIn(BalConfig config) => Service.Match(
        name => config.Services.Find(service => service.Name == name), () => config.Services[0]);

    /// <summary>Which backends those are for a bal that starts with <paramref name="config"/>.</summary>
    public Arr<Endpoint> In(BalConfig config) => this switch
    {
        Position p => ServiceIn(config).Map(service => service.Endpoints)
            .Filter(all => p.Number >= 1 && p.Number <= all.Count)
            .Match(all => Prelude.Array(all[p.Number - 1]), () => Arr<Endpoint>.Empty),
        Address a => Prelude.Array(a.Endpoint),
        _ => new(config.Services.Where(service => Service.ForAll(name => service.Name == name))
            .SelectMany(service => service.Endpoints).Distinct()),
    };

    private string Named(string backend) => Service.Match(name => $"{name}/{backend}", () => backend);
}

/// <summary>What a scenario can do.</summary>
public abstract record ScenarioAction
{
    private ScenarioAction() { }

    /// <summary>Change how a backend answers.</summary>
    /// <param name="Backend">Which.</param>
    /// <param name="Fault">How it answers from now on.</param>
    public sealed record SetFault(BackendRef Backend, Fault Fault) : ScenarioAction;

    /// <summary>Apply another configuration, as <c>bal graceful</c> does.</summary>
    /// <param name="Config">The configuration.</param>
    /// <param name="Name">What to call it.</param>
    public sealed record Reload(BalConfig Config, string Name) : ScenarioAction;

    /// <summary>Change how many clients come.</summary>
    /// <param name="Rate">From now on.</param>
    /// <param name="Service">To which service; none for the first stream of clients.</param>
    public sealed record SetRate(ClientRate Rate, Option<string> Service) : ScenarioAction;

    /// <summary>Change what a name resolves to.</summary>
    /// <param name="Name">The name.</param>
    /// <param name="Addresses">Its addresses; none where lookups fail.</param>
    public sealed record SetAddresses(string Name, Arr<IPAddress> Addresses) : ScenarioAction;

    /// <summary>End bal without warning and start it again; everything that it knew is lost.</summary>
    /// <param name="Away">How long until it is started again.</param>
    public sealed record Crash(Duration Away) : ScenarioAction;

    /// <summary>
    /// Order what <c>bal drain</c>, <c>bal enable</c> and <c>bal weight</c> do, with <c>--force</c>.
    /// </summary>
    /// <param name="Backend">Of which backends.</param>
    /// <param name="Kind">What.</param>
    /// <param name="Weight">The weight of an order for one; none for the configured one.</param>
    public sealed record Order(BackendRef Backend, OrderKind Kind, Option<int> Weight) : ScenarioAction
    {
        /// <summary>What happens, as the timeline says it.</summary>
        public string ToText() => Kind switch
        {
            OrderKind.Drain => $"backend {Backend} is drained",
            OrderKind.Enable => $"backend {Backend} is used as configured",
            _ => $"backend {Backend} gets weight "
                + Weight.Match(w => w.ToString(CultureInfo.InvariantCulture), () => "as configured"),
        };
    }

    /// <summary>Stop bal as SIGTERM does; it is not started again.</summary>
    public sealed record Stop : ScenarioAction;

    /// <summary>Applies the function of the case that this action is.</summary>
    public T Match<T>(
        Func<SetFault, T> setFault,
        Func<Reload, T> reload,
        Func<SetRate, T> setRate,
        Func<SetAddresses, T> setAddresses,
        Func<Crash, T> crash,
        Func<Order, T> order,
        Func<T> stop) => this switch
        {
            SetFault a => setFault(a),
            Reload a => reload(a),
            SetRate a => setRate(a),
            SetAddresses a => setAddresses(a),
            Crash a => crash(a),
            Order a => order(a),
            Stop => stop(),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
