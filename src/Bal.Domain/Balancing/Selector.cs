using Bal.Domain.Config;
using LanguageExt;

namespace Bal.Domain.Balancing;

/// <summary>A backend to try next.</summary>
/// <param name="Route">The backend.</param>
/// <param name="Tier">How good a candidate it is.</param>
/// <param name="Place">Its place among the routes of that tier.</param>
public readonly record struct Candidate(Route Route, Tier Tier, int Place);

/// <summary>
/// A routing table with what the service's method has made of it: chooses the backend of a client, and after a failure
/// the next one. Made when the table is published; choosing allocates nothing.
/// </summary>
public sealed class Selector
{
    private readonly Picker up, cooling, down, backupsDown;

    private Selector(RoutingTable table, Func<Tier, Arr<Route>, Picker> method)
    {
        Table = table;
        (up, cooling, down, backupsDown) = (method(Tier.Up, table.Up), method(Tier.Cooling, table.Cooling),
            method(Tier.Down, table.Down), method(Tier.BackupDown, table.BackupsDown));
    }

    /// <summary>The table.</summary>
    public RoutingTable Table { get; }

    /// <summary>Whether <see cref="Attempt.Source"/> matters.</summary>
    public bool BySource => Table.Service.Method == Method.SourceHash;

    /// <summary>Whether <see cref="Attempt.Load"/> matters.</summary>
    public bool ByLoad => Table.Service.Method is Method.LeastConnections or Method.RandomTwo;

    // Of source_hash; kept from one table to the next, so that a failover to backups has nothing to fill.
    private Option<HashTables> Hashes { get; init; }

    /// <summary>What a table leads to.</summary>
    /// <param name="table">The table.</param>
    /// <param name="before">
    /// That of the table before it: what has not changed for the method is taken from there.
    /// </param>
    public static Selector Of(RoutingTable table, Option<Selector> before) => table.Service.Method switch
    {
        Method.RoundRobin => new(
            table, (tier, routes) => RoundRobin.Of(tier, routes, before.Map(b => b.PickerOf(tier)))),
        Method.LeastConnections => new(table, (tier, routes) => new LeastConnections(tier, routes)),
        Method.RandomTwo => new(table, (tier, routes) => new RandomTwo(tier, routes)),
        Method.SourceHash => OfHash(table, HashTables.Of(table.Service.Backends, before.Bind(b => b.Hashes))),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>
    /// The method chooses among the backends that are up; then, as a last resort, among those that cool down, then
    /// among those that are down, backups after the others. None when all have been tried, when the last-resort tries
    /// are used up, or while every backend that is usable is full (<see cref="AwaitsRoom"/>).
    /// </summary>
    public Option<Candidate> Next(Attempt attempt)
    {
        var place = up.Choose(attempt);
        if (place >= 0)
            return new Candidate(Table.Up[place], Tier.Up, place);
        if (Table.Protection && attempt.LastResorts >= 1)
            return Option<Candidate>.None;

        place = cooling.Choose(attempt);
        if (place >= 0)
            return new Candidate(Table.Cooling[place], Tier.Cooling, place);
        if (AwaitsRoom(attempt))
            return Option<Candidate>.None;
        place = down.Choose(attempt);
        if (place >= 0)
            return new Candidate(Table.Down[place], Tier.Down, place);
        place = backupsDown.Choose(attempt);
        return place >= 0
            ? Option<Candidate>.Some(new Candidate(Table.BackupsDown[place], Tier.BackupDown, place))
            : Option<Candidate>.None;
    }

    /// <summary>
    /// Whether a client for which <see cref="Next"/> found nothing is to wait: a usable backend that it has not tried
    /// was full. Whether it still is does not matter, so that a place that becomes free meanwhile changes nothing.
    /// </summary>
    public bool AwaitsRoom(Attempt attempt) => attempt.IsFull is not null
        && (HasUntried(Table.Up, attempt)
            || (!(Table.Protection && attempt.LastResorts >= 1) && HasUntried(Table.Cooling, attempt)));

    /// <summary>The backend at a place of a tier.</summary>
    public Route RouteAt(Tier tier, int place) => Table.Of(tier)[place];

    private static Selector OfHash(RoutingTable table, HashTables hashes) =>
        new(table, (tier, routes) => new SourceHash(tier, hashes.For(routes), routes)) { Hashes = hashes };

    private Picker PickerOf(Tier tier) => tier switch
    {
        Tier.Up => up,
        Tier.Cooling => cooling,
        Tier.Down => down,
        _ => backupsDown,
    };

    private static bool HasUntried(Arr<Route> routes, Attempt attempt)
    {
        for (var place = 0; place < routes.Count; place++)
        {
            if (!attempt.HasTried(routes[place]))
                return true;
        }

        return false;
    }
}

/// <summary>A method as it chooses among the backends of one tier.</summary>
internal abstract class Picker(Tier tier, Arr<Route> routes)
{
    /// <summary>The tier that they are of.</summary>
    protected Tier Tier { get; } = tier;

    /// <summary>Those it chooses among.</summary>
    public Arr<Route> Routes { get; } = routes;

    /// <summary>The place of the backend to try; negative where all have been tried.</summary>
    public abstract int Choose(Attempt attempt);

    /// <summary>The first that has not been tried, going round from a place; negative where all have been.</summary>
    protected int FirstUntried(int from, Attempt attempt)
    {
        for (var step = 0; step < Routes.Count; step++)
        {
            var place = from + step < Routes.Count ? from + step : from + step - Routes.Count;
            if (!Skips(place, attempt))
                return place;
        }

        return -1;
    }

    /// <summary>Whether a backend is passed over: it has been tried, or is full.</summary>
    protected bool Skips(int place, Attempt attempt) =>
        attempt.HasTried(Routes[place]) || attempt.IsFull?.Invoke(Tier, place) == true;
}
