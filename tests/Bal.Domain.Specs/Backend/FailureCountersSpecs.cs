using Bal.Domain.Backend;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Backend;

/// <summary>Failures are counted by kind, and never forgotten while the backend lives.</summary>
[Properties(Arbitrary = [typeof(Values)])]
public class FailureCountersSpecs
{
    [Property]
    public void Every_failure_is_counted_once_under_its_kind(Evidence[] failures)
    {
        var counters = failures.Aggregate(FailureCounters.Zero, (c, f) => c.Add(f.Kind, 1));

        Assert.Equal(failures.Count(f => f.Kind == FailureKind.Timeout), counters.Timeout);
        Assert.Equal(failures.Count(f => f.Kind == FailureKind.Refused), counters.Refused);
        Assert.Equal(
            failures.Count(f => f.Kind is not (FailureKind.Timeout or FailureKind.Refused)), counters.Other);
    }

    [Property]
    public void A_local_failure_is_counted_nowhere(Count count) =>
        Assert.Equal(FailureCounters.Zero, FailureCounters.Zero.Add(FailureKind.Local, count.Value));

    [Property]
    public void Failures_told_together_count_like_failures_told_apart(Evidence failure, Count a, Count b)
    {
        var apart = FailureCounters.Zero.Add(failure.Kind, a.Value).Add(failure.Kind, b.Value);

        Assert.Equal((long)a.Value + b.Value, apart.Timeout + apart.Refused + apart.Other);
    }
}
