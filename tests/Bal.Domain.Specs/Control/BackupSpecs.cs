using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// A life in which some backends are backups, some have weight 0, and some services reset connections.
/// </summary>
public sealed record LifeWithBackups(Scenario Scenario)
{
    public static Arbitrary<LifeWithBackups> Any() => Arb.From(
        from scenario in Scenarios.Any().Generator
        from seed in Gen.Choose(0, 10_000)
        select new LifeWithBackups(new Scenario(
            With(seed, scenario.Config),
            new(scenario.Moments.Select((moment, i) => moment.What is ControlEvent.Reloaded reloaded
                ? moment with { What = new ControlEvent.Reloaded(With(seed + i, reloaded.Config)) }
                : moment)))),
        life => Scenarios.Any().Shrinker(life.Scenario).Select(scenario => new LifeWithBackups(scenario)));

    public override string ToString() =>
        Scenario + string.Join(", ", Scenario.Config.Services.SelectMany(s => s.Backends).Where(b => b.Backup));

    private static BalConfig With(int seed, BalConfig config) => config with
    {
        Services = config.Services.Map(service => service with
        {
            OnBackendDown = (OpenConnections)(seed % 2),
            OnPrimaryUp = (OpenConnections)(seed / 2 % 2),
            Backends = new(service.Backends.Select((backend, i) => backend with
            {
                Backup = (seed >> i) % 3 == 1,
                Weight = (seed >> i) % 7 == 2 ? 0 : 1 + (seed % 2),
            })),
        }),
    };
}

/// <summary>
/// When backups are used, and which connections end (docs/behaviour.md, Backups): never a backup while a primary is up
/// or cooling, whatever has happened before.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Tables), typeof(LifeWithBackups)])]
public class BackupSpecs
{
    private static readonly Endpoint Primary = Configs.Pool[0];
    private static readonly Endpoint Standby = Configs.Pool[1];

    [Property]
    public void Backups_and_primaries_that_serve_are_never_in_one_table(LifeWithBackups life) =>
        Life.Of(life.Scenario, o => Assert.All(o.After.State.InOrder, service =>
        {
            var offered = service.Table.All.Select(route => route.Id).ToHashSet();
            var there = service.InOrder.Filter(b => !b.Draining || service.Removed);
            var primaries = there.Filter(b => !b.Config.Backup);
            var isUsed = primaries.ForAll(p => !p.Health.Up || p.Weight == 0 || p.IsDrained);

            Assert.Equal(
                there.Filter(b => b.Config.Backup && isUsed && CanBeTried(b)).Map(b => b.Id).OrderBy(id => id.Value),
                there.Filter(b => b.Config.Backup && offered.Contains(b.Id)).Map(b => b.Id).OrderBy(id => id.Value));
            Assert.Equal(
                primaries.Filter(CanBeTried).Map(b => b.Id),
                primaries.Filter(b => offered.Contains(b.Id)).Map(b => b.Id));
        }));

    [Property]
    public void Candidates_come_in_the_order_of_trial(LifeWithBackups life, Turn turn) =>
        Life.Of(life.Scenario, o => Assert.All(o.After.State.InOrder, service =>
        {
            var selector = Selector.Of(service.Table with { Protection = false }, Option<Selector>.None);
            var (tried, ranks) = (new List<int>(), new List<int>());
            while (selector.Next(new Attempt(turn.Value, tried.ToArray(), 0)) is { IsSome: true } next)
            {
                var candidate = (Candidate)next;
                tried.Add(candidate.Route.Id.Value);
                ranks.Add(RankOf(service.InOrder.Find(b => b.Id == candidate.Route.Id).IfNone(() => null!)));
            }

            Assert.Equal(ranks.Order(), ranks);
            // With a primary that is up or cooling, no backup at all.
            Assert.True(!ranks.Exists(rank => rank <= 1) || ranks.TrueForAll(rank => rank is 0 or 1 or 4));
        }));

    [Property]
    public void A_table_is_published_exactly_when_it_changed(LifeWithBackups life) =>
        Life.Of(life.Scenario, o =>
        {
            if (o.Before.Phase is Phase.Ended)
                return;
            var published = o.Effects<ControlEffect.Publish>().Select(p => p.Service.Value).ToHashSet();
            foreach (var after in o.After.State.InOrder)
            {
                if (o.Before.Services.Find(after.Id.Value).Match(before => before.Table != after.Table, () => true))
                    Assert.Contains(after.Id.Value, published);
            }
        });

    [Property]
    public void A_backend_that_goes_down_loses_its_connections_exactly_where_the_service_says_so(
        LifeWithBackups life) =>
        Life.Of(life.Scenario, o =>
        {
            var down = o.After.State.InOrder
                .SelectMany(s => s.InOrder.Filter(b => !b.Health.Up).Map(b => (Service: s, Backend: b)))
                .Where(at => at.Service.Config.OnBackendDown == OpenConnections.Reset
                    && o.Before.Backends().Any(b => b.Id == at.Backend.Id && b.Health.Up))
                .Select(at => at.Backend.Id);

            Assert.Equal(down.OrderBy(id => id.Value), Resets(o, TerminationReason.BackendDown));
        });

    [Property]
    public void Backups_lose_their_connections_exactly_when_a_primary_serves_again_and_never_by_a_reload(
        LifeWithBackups life) =>
        Life.Of(life.Scenario, o =>
        {
            var ended = o.Happened is ControlEvent.Reloaded ? [] : o.After.State.InOrder
                .Where(s => s.Config.OnPrimaryUp == OpenConnections.Reset && !BackupRule.Allows(s)
                    && o.Before.Services.Find(s.Id.Value).Exists(BackupRule.Allows))
                .SelectMany(s => s.InOrder.Filter(b => b.Config.Backup && (!b.Draining || s.Removed)).Map(b => b.Id));

            Assert.Equal(ended.OrderBy(id => id.Value), Resets(o, TerminationReason.PrimaryUp));
        });

    [Property]
    public void Connections_end_after_the_table_that_their_clients_find(LifeWithBackups life) =>
        Life.Of(life.Scenario, o =>
        {
            var published = new System.Collections.Generic.HashSet<ServiceId>();
            foreach (var effect in o.After.Effects)
            {
                if (effect is ControlEffect.Publish publish)
                    published.Add(publish.Service);
                if (effect is not ControlEffect.Reset reset)
                    continue;
                var service = o.After.State.ServiceOf(reset.Backend.Value);
                var before = o.Before.Services[service.Id.Value].Table;
                // To one without an address nobody was sent, and what else the step does need not be published yet.
                Assert.True(published.Contains(service.Id) || before == service.Table
                    || !before.All.Any(route => route.Id == reset.Backend));
            }
        });

    [Property]
    public void The_log_says_once_that_backups_are_in_use_and_once_that_they_no_longer_are(LifeWithBackups life) =>
        Life.Of(life.Scenario, o =>
        {
            if (o.Happened is ControlEvent.Reloaded)
                return;
            foreach (var (name, now) in new[] { ("backups_in_use", true), ("backups_not_in_use", false) })
            {
                var turned = o.After.State.InOrder.Filter(s => !s.Removed
                    && s.InOrder.Exists(b => BackupRule.IsBackup(s, b)) && BackupRule.Allows(s) == now
                    && o.Before.Services.Find(s.Id.Value).Exists(before => BackupRule.Allows(before) != now));
                Assert.Equal(turned.Count, o.Effects<ControlEffect.Log>().Count(l => l.Line.Event == name));
            }
        });

    [Fact]
    public void A_standby_gets_clients_once_the_primary_is_down_and_not_while_it_cools()
    {
        var state = Life.At(Life.Birth, Database(OpenConnections.Keep), Life.ProbePassed(1), Life.ProbePassed(2));
        var reached = state.Then(Life.Birth, Life.ConnectsSucceeded(1), Life.ConnectsSucceeded(2));
        var cooling = reached.Then(Life.Birth, Life.ConnectsFailed(1));
        var down = cooling.Then(Life.Birth, Life.ConnectsFailed(1));
        var back = down.Then(Life.Birth, Life.ConnectsSucceeded(1), Life.ConnectsSucceeded(1));

        Assert.Equal([1], Offered(reached));
        Assert.Equal([1], Offered(cooling));
        Assert.Equal(Tier.Cooling, cooling.Backend(1).Tier);
        Assert.Equal([2, 1], Offered(down));
        Assert.Equal(2, Assert.Single(down.InOrder[0].Table.Up).Id.Value);
        Assert.Equal([1], Offered(back));
    }

    [Fact]
    public void A_service_of_backups_alone_always_uses_them()
    {
        var config = Configs.Of(Configs.Service(Tuning.For(2), Primary, Standby));
        var all = config with
        {
            Services = config.Services.Map(s => s with { Backends = s.Backends.Map(b => b with { Backup = true }) }),
        };

        Assert.Equal([1, 2], Offered(Life.At(Life.Birth, all)));
        Assert.Empty(BackupRule.InUse(Life.At(Life.Birth, all).InOrder[0]));
    }

    private static BalConfig Database(OpenConnections fate)
    {
        var service = Configs.Service(Tuning.For(2), Primary, Standby);
        return Configs.Of(service with
        {
            OnBackendDown = fate,
            OnPrimaryUp = fate,
            Backends = service.Backends.SetItem(1, service.Backends[1] with { Backup = true }),
        });
    }

    private static IEnumerable<int> Offered(ControlState state) =>
        state.InOrder[0].Table.All.Select(route => route.Id.Value);

    private static IEnumerable<BackendId> Resets(Observation o, TerminationReason reason) =>
        o.Effects<ControlEffect.Reset>().Where(e => e.Reason == reason).Select(e => e.Backend).OrderBy(id => id.Value);

    private static bool CanBeTried(BackendState backend) =>
        backend.IsPlaced && backend.Weight > 0 && !backend.IsDrained && !backend.LeadsHere;

    // Primaries up, cooling; backups up, cooling; primaries down, backups down.
    private static int RankOf(BackendState backend) => (backend.Config.Backup, backend.Tier) switch
    {
        (false, Tier.Up) => 0,
        (false, Tier.Cooling) => 1,
        (true, Tier.Up) => 2,
        (true, Tier.Cooling) => 3,
        (false, _) => 4,
        (true, _) => 5,
    };
}
