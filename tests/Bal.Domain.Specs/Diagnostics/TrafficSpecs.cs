using Bal.Domain.Admission;
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
        from services in Gen.Shuffle(Ids).SelectMany(ids => Gen.Choose(0, 4).Select(n => ids.Take(n).ToArray()))
        from backends in Gen.Shuffle(Ids).SelectMany(ids => Gen.Choose(0, 4).Select(n => ids.Take(n).ToArray()))
        from figures in Gen.ArrayOf(Count, 4 * (1 + ServiceCounters.Count))
        from counts in Gen.ArrayOf(Count, 4 * 4)
        from taken in Gen.ArrayOf(Taken, 4)
        select new Traffic(
            new Arr<ServiceTraffic>(services.Select((id, i) => new ServiceTraffic(
                new ServiceId(id), figures[i],
                    new Arr<long>(figures.Skip(4 + i * ServiceCounters.Count).Take(ServiceCounters.Count))))),
            new Arr<BackendTraffic>(backends.Select((id, i) => new BackendTraffic(
                new BackendId(id), counts[4 * i], counts[4 * i + 1], counts[4 * i + 2], counts[4 * i + 3])
            {
                Connects = taken[i],
                Probes = taken[(i + 1) % 4],
            }))));

    private static Gen<Durations> Taken =>
        from counts in Gen.ArrayOf(Count, DurationScale.Connect.Buckets)
        from ms in Count
        select new Durations(new Arr<long>(counts), ms);

    private static int[] Ids => [1, 2, 3, 4];

    private static Gen<long> Count => Gen.Choose(0, 1_000_000).Select(n => (long)n);

    [Property]
    public void Whatever_is_open_or_has_happened_in_either_process_is_summed_by_service_and_by_backend(
        Traffic one, Traffic other)
    {
        var both = one.Plus(other);

        Assert.Equal(one.Active + other.Active, both.Active);
        foreach (var counter in ServiceCounters.All)
            Assert.Equal(counter.Plus(one.Of(counter), other.Of(counter)), both.Of(counter));
        foreach (var id in Ids)
        {
            var (a, b, sum) = (Of(one, new ServiceId(id)), Of(other, new ServiceId(id)), Of(both, new ServiceId(id)));
            Assert.Equal(a.Active + b.Active, sum.Active);
            Assert.Equal(ServiceCounters.All.Map(counter => counter.Plus(a.Of(counter), b.Of(counter))), sum.Counts);
            var (c, d, total) = (Of(one, new BackendId(id)), Of(other, new BackendId(id)), Of(both, new BackendId(id)));
            Assert.Equal(
                (c.Active + d.Active, c.Total + d.Total, c.BytesIn + d.BytesIn, c.BytesOut + d.BytesOut),
                (total.Active, total.Total, total.BytesIn, total.BytesOut));
            Assert.Equal(c.Connects.Count + d.Connects.Count, total.Connects.Count);
            Assert.Equal(c.Probes.Milliseconds + d.Probes.Milliseconds, total.Probes.Milliseconds);
        }
    }

    [Property]
    public void A_process_that_has_counted_nothing_changes_nothing(Traffic one)
    {
        Assert.Equal(one, one.Plus(Traffic.None));
        Assert.Equal(one, Traffic.None.Plus(one));
    }

    [Property]
    public void Of_a_process_that_is_gone_only_what_has_happened_is_left_and_nothing_is_open(Traffic gone)
    {
        var past = gone.Past;

        Assert.Equal(0, past.Active);
        foreach (var counter in ServiceCounters.All)
            Assert.Equal(counter.Kind == CounterKind.Open ? 0 : gone.Of(counter), past.Of(counter));
        Assert.Equal(gone.Backends.Map(b => b with { Active = 0 }), past.Backends);
    }

    [Property]
    public void A_duration_counts_for_the_lowest_bound_that_it_does_not_exceed(NonNegativeInt ms)
    {
        foreach (var scale in new[] { DurationScale.Session, DurationScale.Queue, DurationScale.Connect })
        {
            var bucket = scale.BucketOf(ms.Get);
            Assert.InRange(bucket, 0, scale.Buckets - 1);
            Assert.True(bucket == scale.Buckets - 1 || ms.Get <= scale.BoundsMs[bucket]);
            Assert.True(bucket == 0 || ms.Get > scale.BoundsMs[bucket - 1]);
        }
    }

    [Property]
    public void What_another_version_counted_by_other_bounds_is_left_out(Traffic one)
    {
        foreach (var taken in one.Backends.Map(b => b.Connects))
            Assert.Equal(taken, taken.Plus(new Durations(taken.Counts.Add(7), 7)));
    }

    [Fact]
    public void Every_reason_has_a_counter_of_its_own()
    {
        var counters = Refusals.All.Map(ServiceCounters.Of)
            .Append(new Arr<ServiceCounter>(Enum.GetValues<TerminationReason>().Select(ServiceCounters.Of)))
            .Append(new Arr<ServiceCounter>(
            [
                ServiceCounters.SplicedConnections, ServiceCounters.SplicedDirections,
                ServiceCounters.PipesUnavailable, ServiceCounters.QueueLength,
                ServiceCounters.QueueWaits, ServiceCounters.QueueWaitMs, ServiceCounters.QueueLongestWaitMs,
                ServiceCounters.TotalConnections, ServiceCounters.Failovers, ServiceCounters.BytesIn,
                ServiceCounters.BytesOut, ServiceCounters.EndedConnections, ServiceCounters.ConnectionMs,
            ]))
            .Append(ServiceCounters.All.Filter(c => c.Kind is CounterKind.Lasted or CounterKind.Waited));

        Assert.Equal(ServiceCounters.All, counters);
        Assert.Distinct(counters.Map(c => c.Word));
    }

    private static ServiceTraffic Of(Traffic traffic, ServiceId service) =>
        traffic.Services.Find(s => s.Service == service).IfNone(ServiceTraffic.NoneOf(service));

    private static BackendTraffic Of(Traffic traffic, BackendId backend) =>
        traffic.Backends.Find(b => b.Backend == backend).IfNone(BackendTraffic.NoneOf(backend));
}
