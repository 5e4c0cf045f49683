using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using Bal.Infrastructure.DataPlane;
using LanguageExt;

namespace Bal.Integration.DataPlane;

/// <summary>What processes that were replaced have counted, while they drain and after they have gone.</summary>
public sealed class ReplacedSpecs
{
    private static readonly Traffic Own = Seen(active: 1, total: 2);

    [Fact]
    public void Without_a_predecessor_a_process_reports_what_it_has_counted_itself()
    {
        Assert.Same(Own, Replaced.Nobody.Plus(Own));
        Assert.False(Replaced.Nobody.StillServes);
    }

    [Fact]
    public void While_predecessors_drain_everything_is_added_up()
    {
        var replaced = Two().Heard(10, Seen(active: 3, total: 5)).Heard(11, Seen(active: 7, total: 11));

        var all = replaced.Plus(Own);
        Assert.Equal(1 + 3 + 7, all.Backends[0].Active);
        Assert.Equal(2 + 5 + 11, all.Backends[0].Total);
        Assert.True(replaced.StillServes);
    }

    [Fact]
    public void What_is_heard_of_one_process_says_nothing_of_another()
    {
        var replaced = Two().Heard(10, Seen(active: 3, total: 5)).Heard(11, Seen(active: 0, total: 4))
            .Heard(11, Seen(active: 1, total: 6)).Heard(99, Seen(active: 1_000, total: 1_000));

        Assert.Equal([5L, 6L], replaced.Processes.Select(p => p.Reported.Backends[0].Total).ToArray());
    }

    [Fact]
    public void Of_a_process_that_has_gone_what_has_happened_stays_and_nothing_is_open()
    {
        var replaced = Two().Heard(10, Seen(active: 3, total: 5)).Heard(11, Seen(active: 7, total: 11)).Without(10);

        var all = replaced.Plus(Own);
        Assert.Equal(1 + 7, all.Backends[0].Active);
        Assert.Equal(2 + 5 + 11, all.Backends[0].Total);
        Assert.Equal([11], replaced.Processes.Select(p => p.Pid).ToArray());

        var nobody = replaced.Without(11).Without(12);
        Assert.False(nobody.StillServes);
        Assert.Equal(2 + 5 + 11, nobody.Plus(Own).Backends[0].Total);
        Assert.Equal(1, nobody.Plus(Own).Backends[0].Active);
    }

    [Fact]
    public void A_backend_is_in_use_as_long_as_any_of_them_has_a_connection_with_it()
    {
        var idle = Two().Heard(10, Seen(active: 0, total: 5)).Heard(11, Seen(active: 0, total: 1));

        Assert.DoesNotContain(new BackendId(1), idle.UsedBackends);
        Assert.Contains(new BackendId(1), idle.Heard(11, Seen(active: 1, total: 1)).UsedBackends);
        Assert.DoesNotContain(new BackendId(2), idle.Heard(11, Seen(active: 1, total: 1)).UsedBackends);
    }

    [Fact]
    public unsafe void Open_connections_of_a_service_are_read_where_each_process_counts_that_service()
    {
        var replaced = Two();

        Assert.Equal(
            [(nint)replaced.Processes[0].Counts.At(1), (nint)replaced.Processes[1].Counts.At(0)],
            replaced.CountsOf(new ServiceId(2)));
        Assert.Equal([(nint)replaced.Processes[0].Counts.At(0)], replaced.CountsOf(new ServiceId(1)));
        Assert.Empty(replaced.CountsOf(new ServiceId(3)));
        *replaced.Processes[0].Counts.At(0) = 4;
        *replaced.Processes[0].Counts.At(1) = 5;
        Assert.Equal(9, replaced.Processes[0].Open);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(64)]
    public void What_a_start_needs_leaves_a_few_connections_beside_what_is_reserved(int loops)
    {
        // Of each loop: epoll, wake-up, reserve and listener; of a connection two.
        var least = DescriptorBudget.Least(loops);
        var left = least - DescriptorBudget.Of(least, loops, 1, 0).Fixed - 4 * loops;

        Assert.InRange(left / 2, 8, 16);
        Assert.Contains($"at least {DescriptorBudget.Least(loops)} ", DescriptorBudget.TooLow(9, loops).ToText(),
            StringComparison.Ordinal);
    }

    private static Replaced Two() => Replaced.Nobody with
    {
        Processes = Prelude.Array(
            new ReplacedProcess(10, "0.1.0", Instant.Zero, LivePlane.Counts(), Slots(1, 2), Traffic.None),
            new ReplacedProcess(11, "0.1.1", Instant.Zero, LivePlane.Counts(), Slots(2), Traffic.None)),
    };

    private static Arr<ServiceSlot> Slots(params int[] services) =>
        new(services.Select((id, slot) => new ServiceSlot(new ServiceId(id), $"s{id}", slot)));

    private static Traffic Seen(long active, long total) => Traffic.None with
    {
        Backends = Prelude.Array(new BackendTraffic(new BackendId(1), active, total, 0, 0)),
    };
}
