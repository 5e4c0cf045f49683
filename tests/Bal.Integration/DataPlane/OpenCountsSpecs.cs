using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;

namespace Bal.Integration.DataPlane;

/// <summary>The memory in which a process that takes over sees what the replaced one still has open.</summary>
public sealed unsafe class OpenCountsSpecs
{
    [Fact]
    public void While_services_are_few_it_has_the_size_that_0_1_0_wants()
    {
        using var counts = LivePlane.Counts();
        Assert.Equal(32 * 64, Libc.EndOf(counts.Fd));
        Assert.True(counts.Grow(32).IsRight);
        Assert.Equal(32 * 64, Libc.EndOf(counts.Fd));

        Assert.True(counts.Grow(33).IsRight);
        *counts.At(32) = 7;
        Assert.True(Libc.EndOf(counts.Fd) > 32 * 64);
        counts.Shrink(1);
        Assert.Equal(32 * 64, Libc.EndOf(counts.Fd));
        Assert.True(counts.Grow(33).IsRight);
        Assert.Equal(0, counts.Read(32));
    }

    [Fact]
    public void Another_process_reads_every_slot_as_it_changes()
    {
        using var counts = LivePlane.Counts();
        Assert.True(counts.Grow(4_000).IsRight);
        using var read = OpenCounts.Of(Bal.Infrastructure.Linux.Sockets.Duplicate(counts.Fd))!;
        foreach (var slot in new[] { 0, 31, 32, 3_999 })
        {
            *counts.At(slot) = slot + 1;
            Assert.Equal(slot + 1, read.Read(slot));
        }

        Assert.Equal(0, read.Read(1_000_000));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2_047)]
    [InlineData(2_049)]
    public void Memory_of_another_size_is_refused(long bytes) =>
        Assert.Null(OpenCounts.Of(SharedMemory.Create("test", bytes)));

    [Fact]
    public void More_services_than_there_can_be_are_a_problem()
    {
        using var counts = LivePlane.Counts();
        Assert.True(counts.Grow(OpenCounts.MaxSlots).IsRight);
        Assert.True(counts.Grow(OpenCounts.MaxSlots + 1).IsLeft);
    }

    /// <summary>Whoever has yet to choose in a replaced process may come to be a client of any service.</summary>
    [Fact]
    public void The_limit_holds_over_processes_whatever_their_undecided_clients_choose()
    {
        using var before = LivePlane.Counts();
        using var counts = LivePlane.Counts();
        var other = before.At(0);
        var own = before.At(1);
        using var service = new ServicePlane(new(1), 0, counts, new SharedPlaces(), []);
        service.Assure(100);
        service.CountElsewhere([(nint)own], [(nint)other, (nint)own]);
        (*other, *own) = (7 + (2 * OpenCounts.Greeting), 1);

        // Of five places one is taken, and two may be.
        Assert.Null(service.TryAdmit(5));
        Assert.Null(service.TryAdmit(5));
        Assert.Equal(Refusal.Limit, service.TryAdmit(5));
        // One chooses this service, and the other goes.
        (*other, *own) = (7, 2);
        Assert.Null(service.TryAdmit(5));
        Assert.Equal(Refusal.Limit, service.TryAdmit(5));
        Assert.Equal((3, 2), (service.Open, service.OpenElsewhere));
    }

    [Fact]
    public void A_client_that_has_yet_to_choose_is_open_and_takes_nothing_of_the_limit()
    {
        using var counts = LivePlane.Counts();
        using var service = new ServicePlane(new(1), 0, counts, new SharedPlaces(), []);
        service.Assure(100);
        for (var i = 0; i < 3; i++)
            Assert.Null(service.TryGreet());
        Assert.Null(service.TryAdmit(2));
        Assert.Null(service.TryAdmitGreeted(2));
        Assert.Equal(Refusal.Limit, service.TryAdmitGreeted(2));
        Assert.Equal(Refusal.Limit, service.TryAdmit(2));
        service.TakeGreeted();

        Assert.Equal((5, 5L), (service.Open, counts.Read(0)));
        Assert.Equal((4, 3, 2, 1, 0), (
            service.LeaveGreeted(), service.Leave(), service.LeaveGreeted(), service.LeaveGreeted(), service.Leave()));
    }

    [Fact]
    public void The_slot_of_a_forgotten_service_is_used_again_and_begins_at_zero()
    {
        using var backend = new Backend().Echoing();
        using var fleet = new Fleet();
        var table = Fleet.Table(1, "a", Ports.Free(), backend);
        fleet.Apply(table);
        Fleet.Echoed(table.Service.Listener.Port).Dispose();
        fleet.Apply(Fleet.Removed(table));
        fleet.Until(() => fleet.IsIdle(1), "the backend is idle");
        fleet.Plane.Forget(new BackendId(1));
        fleet.Plane.ForgetService(new ServiceId(1));
        var freed = false;
        fleet.Plane.Confirm(() => freed = true);
        fleet.Until(() => freed, "the slot is free");

        var next = Fleet.Table(2, "b", Ports.Free(), backend);
        fleet.Apply(next);
        Assert.Equal(new ServiceSlot(new(2), "b", 0), Assert.Single(fleet.Plane.Slots));
        Assert.Equal(0, fleet.TrafficOf(2).Active + fleet.TrafficOf(2).Counts.Sum());
        Fleet.Echoed(next.Service.Listener.Port).Dispose();
    }
}
