using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using LanguageExt;

namespace Bal.Simulation;

/// <summary>What must hold whenever a client is let in and gets a backend.</summary>
internal sealed partial class Watch
{
    private int identities;

    private Option<Candidate> Selected(
        RoutingTable table, ulong turn, ReadOnlySpan<int> tried, int lastResorts, Option<Candidate> chosen)
    {
        var watched = services[table.Id];
        Check(Invariant.LoopsKnow, table == watched.Told, "a loop uses another table than the last one published");
        var best = Best(table.Id, tried);
        if (!chosen.IsSome)
        {
            var exhausted = best.IsNone || (watched.Protection.On && lastResorts >= 1 && best != Tier.Up);
            Check(Invariant.NobodyGivesUpEarly, exhausted,
                $"a client gave up with a backend {best} untried, turn {turn}");
            return chosen;
        }

        var candidate = (Candidate)chosen;
        var id = candidate.Route.Id.Value;
        Check(Invariant.EveryClientEnds, tried.Length < identities, $"a client has tried {tried.Length} times already");
        Check(Invariant.NoBackendTwice, !tried.Contains(id), $"backend {id} was tried twice for one client");
        var tier = TierOf(id);
        Check(Invariant.BestTierFirst, best.Match(b => tier <= b, () => true),
            $"a client got backend {id}, which is {tier}, while one that is {best} was untried");
        Check(Invariant.LastResortsInProtection, !watched.Protection.On || lastResorts == 0
            || candidate.Tier == Tier.Up,
            "a second last resort in protection mode");
        if (tried.IsEmpty && table.Up.Exists(r => r.Id.Value == id))
            Share(watched, id);
        return chosen;
    }

    private bool Admitted(int open, int limit, bool admitted)
    {
        Check(Invariant.LimitIsExact,
            latest!.Config.Services.Exists(service => service.Tuning.MaxConcurrentConnections == limit),
            $"the limit is {limit}");
        Check(Invariant.LimitIsExact, admitted == open < limit, $"{open} open of {limit}: admitted is {admitted}");
        return admitted;
    }

    // What ends or begins in this very millisecond may be seen either way.
    private Tier TierOf(int id)
    {
        var backend = backends[new(id)];
        return !backend.Up ? Tier.Down : backend.IsCooling(now) ? Tier.Cooling : Tier.Up;
    }

    private Option<Tier> Best(ServiceId service, ReadOnlySpan<int> tried)
    {
        var best = Option<Tier>.None;
        foreach (var backend in latest!.Services[service.Value].Backends.Values)
        {
            if (backend.Draining || !backend.IsPlaced || tried.Contains(backend.Id.Value))
                continue;
            var naive = backends[backend.Id];
            var tier = !naive.Up ? Tier.Down : naive.IsCooling(now - 1) ? Tier.Cooling : Tier.Up;
            if (best.IsNone || tier < (Tier)best)
                best = tier;
        }

        return best;
    }

    // One sequence for each service: as long as the same backends are up, shares differ by one at most.
    private void Share(WatchedService watched, int id)
    {
        watched.Shares[id] = watched.Shares.GetValueOrDefault(id) + 1;
        var counts = watched.Told.Up.Map(r => watched.Shares.GetValueOrDefault(r.Id.Value));
        Check(Invariant.FairTurns, counts.Max() - counts.Min() <= 1, $"the shares are {string.Join(", ", counts)}");
    }
}
