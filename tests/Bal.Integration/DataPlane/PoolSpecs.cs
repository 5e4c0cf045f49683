using Bal.Domain.Relay;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;

namespace Bal.Integration.DataPlane;

public sealed unsafe class PoolSpecs
{
    [Fact]
    public void A_session_from_the_pool_is_blank_and_never_given_out_twice()
    {
        using var pool = new SessionPool();
        var taken = new System.Collections.Generic.HashSet<nint>();
        for (var i = 0; i < 1_000; i++)
        {
            var session = pool.Rent();
            Assert.True(taken.Add((nint)session));
            Assert.Equal(SessionState.Free, session->State);
            Assert.True(session->Tried == null && session->Counters == null && session->Timer.Slot == 0);
            session->State = SessionState.Relaying;
            session->BackendId = i;
        }
    }

    [Fact]
    public void A_returned_session_is_the_next_one_given_out_so_that_memory_follows_the_load_of_the_moment()
    {
        using var pool = new SessionPool();
        var first = pool.Rent();
        first->State = SessionState.Relaying;
        pool.Return(first);
        Assert.True(pool.Rent() == first);
    }

    [Fact]
    public void A_tag_has_room_for_the_side_in_its_lowest_bit_and_for_small_numbers_below_every_address()
    {
        using var pool = new SessionPool();
        for (var i = 0; i < 300; i++)
        {
            var address = (ulong)pool.Rent();
            Assert.Equal(0UL, address & 1);
            Assert.True(address >= 4096);
        }
    }

    [Fact]
    public void Sessions_in_use_are_those_that_are_neither_free_nor_closed()
    {
        using var pool = new SessionPool();
        var connecting = pool.Rent();
        var relaying = pool.Rent();
        var closed = pool.Rent();
        connecting->State = SessionState.Connecting;
        relaying->State = SessionState.Relaying;
        closed->State = SessionState.Closed;
        Assert.Equal(
            new[] { (nint)connecting, (nint)relaying }.Order(),
            pool.InUse().Order());
    }

    [Fact]
    public void The_first_pipes_of_a_loop_are_large_and_all_others_of_the_default_size()
    {
        using var pool = new PipePool(new DescriptorCeiling(int.MaxValue), new SharedPlaces { Size = 1_000 });
        var sides = new Side[PipePool.MaxLarge + 4];
        for (var i = 0; i < sides.Length; i++)
            Assert.True(pool.Rent(ref sides[i], now: 0));
        Assert.Equal(
            sides.Select((_, i) => i < PipePool.MaxLarge ? PipePool.LargeBytes : PipePool.DefaultBytes),
            sides.Select(SizeOf));

        // A large one that comes back is the next one given out; one with bytes in it is closed, and replaced.
        pool.Return(ref sides[3]);
        Assert.True(pool.Rent(ref sides[3], now: 0));
        Assert.Equal(PipePool.LargeBytes, SizeOf(sides[3]));
        sides[5].PipeLength = 1;
        pool.Return(ref sides[5]);
        Assert.True(pool.Rent(ref sides[5], now: 0));
        Assert.Equal(PipePool.LargeBytes, SizeOf(sides[5]));
        for (var i = 0; i < sides.Length; i++)
            pool.Return(ref sides[i]);
    }

    [Fact]
    public void An_empty_pipe_that_comes_back_is_given_out_again()
    {
        using var pool = new PipePool(new DescriptorCeiling(int.MaxValue), new SharedPlaces { Size = 1_000 });
        var side = default(Side);
        Assert.True(pool.Rent(ref side, now: 0));
        var ends = (side.PipeIn, side.PipeOut);
        pool.Return(ref side);
        Assert.Equal((0, 0, 0), (side.PipeIn, side.PipeOut, side.PipeLength));

        Assert.True(pool.Rent(ref side, now: 0));
        Assert.Equal(ends, (side.PipeIn, side.PipeOut));
        pool.Return(ref side);
    }

    [Fact]
    public void A_pipe_with_bytes_inside_never_reaches_another_stream()
    {
        using var pool = new PipePool(new DescriptorCeiling(int.MaxValue), new SharedPlaces { Size = 1_000 });
        var side = default(Side);
        Assert.True(pool.Rent(ref side, now: 0));
        byte secret = 42;
        Assert.Equal(1, Libc.write(side.PipeIn, &secret, 1));
        side.PipeLength = 1;
        pool.Return(ref side);

        Assert.True(pool.Rent(ref side, now: 0));
        byte read = 0;
        Assert.Equal(-1, Libc.read(side.PipeOut, &read, 1));
        pool.Return(ref side);
    }

    [Fact]
    public void Of_the_pipes_of_the_default_size_a_loop_keeps_a_few()
    {
        const int Small = LoopRule.MaxIdlePipes + 5;
        using var pool = new PipePool(new DescriptorCeiling(int.MaxValue), new SharedPlaces { Size = 1_000 });
        var sides = new Side[PipePool.MaxLarge + Small];
        for (var i = 0; i < sides.Length; i++)
            Assert.True(pool.Rent(ref sides[i], now: 0));
        var large = sides.Take(PipePool.MaxLarge).Select(s => s.PipeIn).ToHashSet();
        var small = sides.Skip(PipePool.MaxLarge).Take(LoopRule.MaxIdlePipes).Select(s => s.PipeIn).ToHashSet();
        for (var i = 0; i < sides.Length; i++)
            pool.Return(ref sides[i]);

        // Those that were kept come first, the large ones before the others.
        for (var i = 0; i < sides.Length; i++)
        {
            Assert.True(pool.Rent(ref sides[i], now: 0));
            Assert.Equal(i < PipePool.MaxLarge, sides[i].Has(SideFlags.LargePipe));
        }

        Assert.True(large.SetEquals(sides.Take(PipePool.MaxLarge).Select(s => s.PipeIn)));
        Assert.True(small.SetEquals(
            sides.Skip(PipePool.MaxLarge).Take(LoopRule.MaxIdlePipes).Select(s => s.PipeIn)));
        for (var i = 0; i < sides.Length; i++)
            pool.Return(ref sides[i]);
    }

    [Fact]
    public void No_pipe_above_the_ceiling_of_descriptors_is_used()
    {
        using var pool = new PipePool(new DescriptorCeiling(3), new SharedPlaces { Size = 1_000 });
        var side = default(Side);
        Assert.False(pool.Rent(ref side, now: 0));
        Assert.Equal((0, 0), (side.PipeIn, side.PipeOut));
    }

    private static int SizeOf(Side side) => Libc.fcntl(side.PipeOut, Libc.F_GETPIPE_SZ, 0);

    [Fact]
    public void Blocks_are_reused_and_no_two_in_use_are_the_same()
    {
        using var pool = new BlockPool();
        var taken = new System.Collections.Generic.HashSet<nint>();
        for (var i = 0; i < 100; i++)
            Assert.True(taken.Add((nint)pool.Rent()));
        foreach (var block in taken)
            pool.Return((byte*)block);
        for (var i = 0; i < 32; i++)
            Assert.Contains((nint)pool.Rent(), taken);
    }
}
