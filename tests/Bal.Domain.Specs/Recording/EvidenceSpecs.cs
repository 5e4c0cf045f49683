using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Replay;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;
using Evidence = Bal.Domain.Replay.Evidence;

namespace Bal.Domain.Specs.Recording;

/// <summary>
/// On what evidence another configuration is told of clients, each kind in the smallest life with it.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class EvidenceSpecs
{
    private static readonly BalConfig Two =
        Configs.Of(Configs.Service(Tuning.For(1), Configs.Pool[0], Configs.Pool[1]));

    [Property]
    public void A_client_connect_under_the_same_conditions_is_observed(Count count, bool served)
    {
        var state = Evidenced(
            Two, served ? Life.ConnectsSucceeded(1, count.Value) : Life.ConnectsFailed(1, count.Value));

        Assert.Equal((1, 0, 0), (state.Evidence.Observed, state.Evidence.Modelled, state.Evidence.LeftOut));
    }

    [Property]
    public void A_client_connect_that_would_have_had_another_timeout_is_modelled(Count count, bool served)
    {
        var patient = Recordings.With(Two, t => t with { ConnectTimeout = new(5_000) });

        var state = Evidenced(
            patient, served ? Life.ConnectsSucceeded(1, count.Value) : Life.ConnectsFailed(1, count.Value));

        Assert.Equal((1L, 1L), (state.Evidence.Of(Evidence.OtherConnectTimeout), state.Evidence.Modelled));
    }

    [Property]
    public void Once_clients_are_served_differently_each_connect_might_have_gone_elsewhere(Count count, bool served)
    {
        // One failure takes the first backend out only where one is enough.
        var proven = Life.ConnectsSucceeded(1);
        var strict = Recordings.With(Two, t => t with { Health = t.Health with { FailThreshold = 1 } });

        var state = Evidenced(strict, proven, Life.ConnectsFailed(1),
            served ? Life.ConnectsSucceeded(2, count.Value) : Life.ConnectsFailed(2, count.Value));

        Assert.True(state.FirstDivergence.IsSome);
        Assert.Equal((2L, 1L), (state.Evidence.Observed, state.Evidence.Of(Evidence.ClientMightGoElsewhere)));
    }

    [Property]
    public void Rejections_under_another_limit_are_left_out(Count count)
    {
        var wider = Recordings.With(Two, t => t with { MaxConcurrentConnections = 9_999 });
        var rejected = new ControlEvent.ClientsRefused(new ServiceId(1), Refusal.Limit, count.Value);

        Assert.Equal(1, Evidenced(Two, rejected).Evidence.Observed);
        var state = Evidenced(wider, rejected);
        Assert.Equal((1L, 1L), (state.Evidence.Of(Evidence.OtherLimit), state.Evidence.LeftOut));
        Assert.Equal(new ChangeCount(1, 0), state.Changes["connections_rejected"]);
    }

    [Fact]
    public void A_client_without_a_backend_is_left_out_where_there_would_have_been_one_more()
    {
        var fewer = Configs.Of(Configs.Service(Tuning.For(1), Configs.Pool[0]));
        var more = Configs.Of(Configs.Service(Tuning.For(1), Configs.Pool[0], Configs.Pool[1], Configs.Pool[2]));

        var told = Evidenced(fewer, Life.Exhausted).Evidence;
        Assert.Equal(1, told.Observed + told.Modelled);
        var state = Evidenced(more, Life.Exhausted);
        Assert.Equal((1L, 1L), (state.Evidence.Of(Evidence.AnotherBackendToTry), state.Evidence.LeftOut));
        Assert.Equal(new ChangeCount(1, 0), state.Changes["protection_on"]);
    }

    [Fact]
    public void The_first_parting_is_told_however_often_they_part()
    {
        var strict = Recordings.With(Two, t => t with { Health = t.Health with { FailThreshold = 1 } });
        ControlEvent[] parts = [Life.ConnectsSucceeded(1), Life.ConnectsFailed(1), Life.ConnectsSucceeded(1)];

        var once = First(Evidenced(strict, parts));
        var twice = First(Evidenced(strict, [.. parts, .. parts]));

        Assert.Equal((once.At, once.Sequence, once.Differences), (twice.At, twice.Sequence, twice.Differences));
    }

    private static Divergence First(ComparisonState state) =>
        state.FirstDivergence.Match(p => p, () => throw new InvalidOperationException());

    // Each event a millisecond after the one before.
    private static ComparisonState Evidenced(BalConfig other, params ControlEvent[] events) => Recordings.Compare(
        new Scenario(Two, new Arr<Moment>(events.Select(happened => new Moment(1, happened)))), other).State;
}
