using Bal.Domain.Backend;
using Bal.Domain.Counting;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Diagnostics;

/// <summary>What two processes have counted, one of which has replaced the other.</summary>
[Properties(Arbitrary = [typeof(TrafficSpecs)])]
public sealed class TrafficSpecs
{
    public static Arbitrary<Traffic> Traffics() => Arb.From(
        from figures in Gen.ArrayOf(Count, 4)
        from ended in Gen.ArrayOf(Count, Enum.GetValues<TerminationReason>().Length)
        from backends in Gen.Choose(0, 4)
        from counts in Gen.ArrayOf(Count, 4 * 4)
        select new Traffic(
            figures[0], figures[1], figures[2], figures[3],
            new Arr<TerminationCount>(ended.Select((n, i) => new TerminationCount((TerminationReason)i, n))),
            new Arr<BackendTraffic>(Enumerable.Range(0, backends).Select(i => new BackendTraffic(
                new BackendId(i + 1), counts[4 * i], counts[4 * i + 1], counts[4 * i + 2], counts[4 * i + 3])))));

    private static Gen<long> Count => Gen.Choose(0, 1_000_000).Select(n => (long)n);

    [Property]
    public void Whatever_is_open_or_has_happened_in_either_process_is_summed(Traffic one, Traffic other)
    {
        var both = one.Plus(other);

        Assert.Equal(one.ActiveConnections + other.ActiveConnections, both.ActiveConnections);
        Assert.Equal(one.RejectedConnections + other.RejectedConnections, both.RejectedConnections);
        Assert.Equal(one.SplicedConnections + other.SplicedConnections, both.SplicedConnections);
        Assert.Equal(one.SplicedDirections + other.SplicedDirections, both.SplicedDirections);
        foreach (var reason in Enum.GetValues<TerminationReason>())
            Assert.Equal(Ended(one, reason) + Ended(other, reason), Ended(both, reason));
        foreach (var id in Enumerable.Range(1, 4).Select(i => new BackendId(i)))
        {
            Assert.Equal(Of(one, id).Active + Of(other, id).Active, Of(both, id).Active);
            Assert.Equal(Of(one, id).Total + Of(other, id).Total, Of(both, id).Total);
            Assert.Equal(Of(one, id).BytesIn + Of(other, id).BytesIn, Of(both, id).BytesIn);
            Assert.Equal(Of(one, id).BytesOut + Of(other, id).BytesOut, Of(both, id).BytesOut);
        }
    }

    [Property]
    public void A_process_that_has_counted_nothing_changes_nothing(Traffic one)
    {
        Assert.Equal(one.ActiveConnections, one.Plus(Traffic.None).ActiveConnections);
        Assert.Equal(one.Backends, one.Plus(Traffic.None).Backends);
        Assert.Equal(one.Terminations, Traffic.None.Plus(one).Terminations);
    }

    [Property]
    public void Of_a_process_that_is_gone_only_what_has_happened_is_left_and_nothing_is_open(Traffic gone)
    {
        var past = gone.Past;

        Assert.Equal((0, 0, 0), (past.ActiveConnections, past.SplicedConnections, past.SplicedDirections));
        Assert.Equal(gone.RejectedConnections, past.RejectedConnections);
        Assert.Equal(gone.Terminations, past.Terminations);
        Assert.Equal(gone.Backends.Map(b => b with { Active = 0 }), past.Backends);
    }

    private static long Ended(Traffic traffic, TerminationReason reason) =>
        traffic.Terminations.Where(t => t.Reason == reason).Sum(t => t.Count);

    private static BackendTraffic Of(Traffic traffic, BackendId backend) =>
        traffic.Backends.Find(b => b.Backend == backend).IfNone(BackendTraffic.NoneOf(backend));
}
