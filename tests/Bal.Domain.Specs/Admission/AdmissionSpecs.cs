using Bal.Domain.Admission;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Admission;

/// <summary>The connection limit is exact (docs/behaviour.md, Limits).</summary>
[Properties(Arbitrary = [typeof(Values)])]
public class AdmissionSpecs
{
    [Property]
    public void Exactly_as_many_clients_as_the_limit_come_in(Count clients, Count limit)
    {
        var open = 0;
        for (var client = 0; client < Math.Min(clients.Value, 1_000); client++)
        {
            if (AdmissionRule.Admits(open, limit.Value))
                open++;
        }

        Assert.Equal(Math.Min(Math.Min(clients.Value, 1_000), limit.Value), open);
    }

    [Property]
    public void The_last_place_is_given_and_no_more(Count limit)
    {
        Assert.True(AdmissionRule.Admits(limit.Value - 1, limit.Value));
        Assert.False(AdmissionRule.Admits(limit.Value, limit.Value));
    }

    [Property]
    public void A_limit_lowered_below_what_is_open_admits_nobody(Count limit, Count more) =>
        Assert.False(AdmissionRule.Admits((int)Math.Min(int.MaxValue, (long)limit.Value + more.Value), limit.Value));
}
