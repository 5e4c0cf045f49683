using Bal.Infrastructure.DataPlane;
using FsCheck;
using FsCheck.Xunit;

namespace Bal.Integration.Accounting;

/// <summary>The way of records from an event loop to the writer of the access log.</summary>
public sealed class AccessRingSpecs
{
    [Property(MaxTest = 50)]
    public void What_is_put_is_taken_in_order_with_its_name_and_what_finds_no_room_is_counted(
        (byte Name, bool Take)[] steps)
    {
        using var ring = new AccessRing();
        var (waiting, number, dropped) = (new Queue<(long, string)>(), 0L, 0L);
        // Many times around the ring, so that records begin and end everywhere in it.
        for (var round = 0; round < 10_000 / (1 + steps.Length) && steps.Length > 0; round++)
        {
            foreach (var (length, take) in steps)
            {
                var name = new string((char)('a' + number % 26), length);
                var before = ring.Dropped;
                ring.Put(new AccessRecord { At = ++number, Suppressed = number % 3 }, System.Text.Encoding.ASCII
                    .GetBytes(name));
                if (ring.Dropped == before)
                    waiting.Enqueue((number, name));
                else
                    dropped += 1 + number % 3;
                if (take || number % 2 == 0)
                    Take(ring, waiting);
            }
        }

        Assert.Equal(dropped, ring.Dropped);
        while (waiting.Count > 0)
            Take(ring, waiting);
        Assert.True(ring.IsEmpty);
    }

    [Fact]
    public void It_is_full_only_once_thousands_wait_and_has_room_again_for_each_that_is_taken()
    {
        using var ring = new AccessRing();
        var put = 0;
        while (ring.Dropped == 0)
            ring.Put(new AccessRecord { At = put++ }, default);

        Assert.InRange(put, 4_000, 10_000);
        AccessRecord record = default;
        Assert.Equal(0, ring.TryTake(ref record, default));
        Assert.Equal(0, record.At);
        ring.Put(new AccessRecord(), default);
        Assert.Equal(1, ring.Dropped);
    }

    [Fact]
    public async Task Two_threads_lose_nothing_and_see_whole_records()
    {
        const int Count = 2_000_000;
        using var ring = new AccessRing();
        var putting = Task.Run(() =>
        {
            for (var i = 1; i <= Count; i++)
                ring.Put(new AccessRecord { At = i, BytesOut = ~(long)i, Suppressed = i % 2 }, default);
        });
        var (taken, last) = (0L, 0L);
        AccessRecord record = default;
        while (!putting.IsCompleted || !ring.IsEmpty)
        {
            if (ring.TryTake(ref record, default) < 0)
                continue;
            Assert.Equal(~record.At, record.BytesOut);
            Assert.True(record.At > last);
            last = record.At;
            taken += 1 + record.Suppressed;
        }

        await putting;
        Assert.Equal(Count + Count / 2, taken + ring.Dropped);
    }

    private static void Take(AccessRing ring, Queue<(long At, string Name)> waiting)
    {
        if (waiting.Count == 0)
            return;
        var (at, name) = waiting.Dequeue();
        AccessRecord record = default;
        Span<byte> bytes = stackalloc byte[256];
        var length = ring.TryTake(ref record, bytes);
        Assert.Equal(at, record.At);
        Assert.Equal(name, System.Text.Encoding.ASCII.GetString(bytes[..length]));
    }
}
