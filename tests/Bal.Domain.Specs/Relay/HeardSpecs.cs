using Bal.Domain.Relay;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Relay;

/// <summary>Deadlines are judged after what waits has been read, whatever pauses the process makes.</summary>
public class HeardSpecs
{
    private const int Capacity = 4;
    private const int Timeout = 50;

    // What can happen between two looks of a loop at its sockets.
    public sealed record Turn(byte Sender, byte Gap, bool Interrupted, byte Pause);

    [Property(MaxTest = 1_000)]
    public void No_connection_with_bytes_that_wait_to_be_read_is_ever_ended(Turn[] turns, byte connections)
    {
        var world = new World(1 + connections % 12);
        foreach (var turn in turns)
            world.Play(turn);
    }

    [Property(MaxTest = 500)]
    public void A_silent_connection_is_ended_however_busy_the_others_are(byte connections)
    {
        // All but the first send all the time, more of them than one wait reports.
        var world = new World(2 + Capacity + connections % 12);
        for (var i = 0; i < 200; i++)
            world.Play(AllBusy, 1);

        Assert.Contains(0, world.Ended);
        Assert.Single(world.Ended);
    }

    [Property]
    public void Time_never_goes_back_and_nothing_is_heard_before_it_happened((sbyte Events, byte Gap)[] waits)
    {
        var (now, heard) = (1_000L, Heard.From(1_000));
        foreach (var (events, gap) in waits)
        {
            var before = now;
            now += gap;
            var next = heard.After(Math.Max(-1, (int)events), Capacity, 100, now);
            Assert.InRange(next.Until, heard.Until, before);
            heard = next;
        }
    }

    [Property]
    public void A_wait_that_tells_of_everything_settles_what_was_ready_before_it(byte gap)
    {
        var heard = Heard.From(5).After(0, Capacity, 100, 5 + gap);
        Assert.Equal(5, heard.Until);
        Assert.Equal(5 + gap, heard.After(Capacity - 1, Capacity, 100, 900).Until);
    }

    [Property]
    public void A_wait_that_was_interrupted_or_full_settles_nothing(byte gap)
    {
        Assert.Equal(5, Heard.From(5).After(-1, Capacity, 100, 6 + gap).Until);
        Assert.Equal(5, Heard.From(5).After(Capacity, Capacity, 100, 6 + gap).Until);
    }

    private static readonly Turn AllBusy = new(255, 0, false, 0);

    // A loop as it is, over sockets that are reported in turn, as epoll does.
    private sealed class World(int connections)
    {
        private readonly Queue<int> readable = new();
        private readonly long[] last = [.. Enumerable.Repeat(1_000L, connections)];
        private long clock = 1_000;
        private long now = 1_000;
        private Heard heard = Heard.From(1_000);

        public HashSet<int> Ended { get; } = [];

        public void Play(Turn turn, int gap = -1)
        {
            // Bytes come in while the loop is elsewhere, or stands still.
            if (turn == AllBusy)
                Enumerable.Range(1, connections - 1).ToList().ForEach(Send);
            else
                Send(turn.Sender % connections);
            clock += gap < 0 ? turn.Gap + turn.Pause : gap;
            var batch = turn.Interrupted ? -1 : Math.Min(Capacity, readable.Count);
            var read = Enumerable.Range(0, Math.Max(0, batch)).Select(_ => readable.Dequeue()).ToArray();
            // The process may stand still between the wait and its look at the clock.
            clock += turn.Pause;
            now = clock;
            heard = heard.After(batch, Capacity, connections, now);
            foreach (var one in read)
                last[one] = now;
            for (var one = 0; one < connections; one++)
            {
                if (Ended.Contains(one) || heard.Until - last[one] < Timeout)
                    continue;
                Assert.DoesNotContain(one, readable.Where(waiting => SentBefore(waiting)));
                Ended.Add(one);
            }
        }

        private readonly Dictionary<int, long> sentAt = [];

        private bool SentBefore(int one) => sentAt[one] <= heard.Until;

        private void Send(int one)
        {
            if (Ended.Contains(one) || readable.Contains(one))
                return;
            sentAt[one] = clock;
            readable.Enqueue(one);
        }
    }
}
