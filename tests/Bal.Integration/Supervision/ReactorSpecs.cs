using System.Collections.Concurrent;
using System.Diagnostics;
using Bal.Application;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Reacting;

namespace Bal.Integration.Supervision;

public sealed class ReactorSpecs
{
    [Fact]
    public void A_descriptor_that_is_always_ready_does_not_make_the_supervisor_miss_its_due_time()
    {
        using var reactor = new Reactor();
        using var noisy = new WakeUp();
        noisy.Signal();
        var giveUp = Stopwatch.StartNew();
        // Like a client on the control socket while no descriptor is left to accept it with.
        reactor.Watch(noisy.Fd, Libc.EPOLLIN, _ =>
        {
            if (giveUp.ElapsedMilliseconds > 3_000)
                noisy.Clear();
        });
        var next = reactor.Next(reactor.Now.Plus(new Duration(50)));
        Assert.True(next.IsNone);
        Assert.InRange(giveUp.ElapsedMilliseconds, 40, 2_000);
    }

    [Fact]
    public void Inputs_of_other_threads_all_arrive_and_wake_a_sleeping_supervisor()
    {
        const int each = 30_000;
        using var reactor = new Reactor();
        var writers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < each; i++)
                reactor.PostFromOutside(new SupervisorInput.Happened(new ControlEvent.Tick()), Urgency.Report);
        })).ToArray();
        for (var i = 0; i < 2 * each; i++)
        {
            var next = reactor.Next(reactor.Now.Plus(new Duration(20_000)));
            Assert.True(next.IsSome, $"{2 * each - i} inputs are waiting and nobody wakes their reader");
        }

        Assert.All(writers, w => Assert.Null(w.Exception));
    }

    [Fact]
    public void A_cancelled_timer_never_fires_and_the_others_fire_in_order()
    {
        using var reactor = new Reactor();
        var fired = new List<string>();
        var cancelled = reactor.After(new Duration(10), () => fired.Add("cancelled"));
        reactor.After(new Duration(30), () => fired.Add("second"));
        reactor.After(new Duration(20), () =>
        {
            fired.Add("first");
            cancelled.Cancel();
        });
        cancelled.Cancel();
        // A machine that is busy may be late for any of them; the one that was cancelled would have been the first.
        for (var i = 0; i < 100 && fired.Count < 2; i++)
            Assert.True(reactor.Next(reactor.Now.Plus(new Duration(60))).IsNone);
        Assert.Equal(["first", "second"], fired);
    }

    [Fact]
    public void What_is_urgent_goes_before_a_mass_of_results_and_a_flood_of_it_does_not_hold_them_up()
    {
        using var reactor = new Reactor();
        using var asked = new WakeUp();
        var isUrgent = new List<bool>();
        reactor.Watch(asked.Fd, Libc.EPOLLIN, _ =>
        {
            asked.Clear();
            for (var i = 0; i < 200; i++)
                reactor.PostUrgent(new SupervisorInput.Call(() => isUrgent.Add(true)));
        });
        for (var i = 0; i < 1_000; i++)
            reactor.PostResult(new ControlEvent.Tick());
        _ = reactor.Next(Instant.Never);
        asked.Signal();
        for (var i = 0; i < 1_199; i++)
            reactor.Next(Instant.Never).IfSome(input => isUrgent.Add(input is SupervisorInput.Call));

        Assert.InRange(isUrgent.IndexOf(true), 1, Reactor.MostInARow);
        var flood = isUrgent.Skip(isUrgent.IndexOf(true)).Take(220).ToArray();
        Assert.Equal(200, flood.Count(urgent => urgent));
        Assert.Contains(false, flood.Take(40));
    }

    [Fact]
    public void What_the_loops_report_does_not_wait_behind_the_probes_and_keeps_its_order()
    {
        using var reactor = new Reactor();
        for (var i = 0; i < 1_000; i++)
            reactor.PostResult(new ControlEvent.Tick());
        for (var i = 0; i < 100; i++)
            reactor.Post(new ControlEvent.ReportsLost(i));
        reactor.Post(new SupervisorInput.Call(() => { }));
        var order = Enumerable.Range(0, 130).Select(_ => reactor.Next(Instant.Never).Match(i => i, () => null!))
            .ToArray();

        Assert.Equal(
            Enumerable.Range(0, 100),
            order.OfType<SupervisorInput.Happened>().Select(h => h.Event).OfType<ControlEvent.ReportsLost>()
                .Select(lost => (int)lost.Total));
        Assert.Contains(order, input => input is SupervisorInput.Call);
        Assert.True(order.Count(i => i is SupervisorInput.Happened { Event: ControlEvent.Tick }) > 10);
    }

    [Fact]
    public void However_long_each_input_takes_a_descriptor_is_looked_at_after_a_few_milliseconds()
    {
        using var reactor = new Reactor();
        using var asked = new WakeUp();
        var seen = false;
        reactor.Watch(asked.Fd, Libc.EPOLLIN, _ => seen = true);
        for (var i = 0; i < Reactor.MostInARow; i++)
            reactor.Post(new ControlEvent.Tick());
        _ = reactor.Next(Instant.Never);
        asked.Signal();
        Assert.False(seen);
        reactor.StandStill(2 * Reactor.LongestTurnMs);
        Assert.False(reactor.HasMore, "the batch is over, although more is waiting");
        _ = reactor.Next(Instant.Never);
        Assert.True(seen);
    }

    [Fact]
    public void A_batch_has_more_until_it_is_handed_out()
    {
        using var reactor = new Reactor();
        Assert.False(reactor.HasMore);
        reactor.Post(new ControlEvent.Tick());
        reactor.PostUrgent(new ControlEvent.Tick());
        _ = reactor.Next(Instant.Never);
        Assert.True(reactor.HasMore);
        _ = reactor.Next(Instant.Never);
        Assert.False(reactor.HasMore);
    }

    [Fact]
    public void A_deadline_is_judged_only_after_everything_that_waits_has_been_read()
    {
        const int waiting = 1_300;
        using var reactor = new Reactor();
        var descriptors = Enumerable.Range(0, waiting).Select(_ => new WakeUp()).ToArray();
        var read = 0;
        var readAtDeadline = -1;
        foreach (var descriptor in descriptors)
        {
            reactor.Watch(descriptor.Fd, Libc.EPOLLIN, _ =>
            {
                read++;
                descriptor.Clear();
            });
            descriptor.Signal();
        }

        reactor.After(new Duration(1), () => readAtDeadline = read);
        // A pause of the process.
        reactor.StandStill(20);
        while (readAtDeadline < 0)
            _ = reactor.Next(reactor.Now.Plus(new Duration(50)));
        Assert.Equal(waiting, readAtDeadline);
        Array.ForEach(descriptors, d => d.Dispose());
    }

    [Fact]
    public void Cancelled_timers_leave_at_once_and_the_rest_stay_in_order()
    {
        var timers = new Timers();
        var random = new Random(7);
        var fired = new List<int>();
        var armed = Enumerable.Range(0, 2_000).Select(_ => random.Next(500)).Select(due =>
        {
            var timer = new Timers.Timer(() => fired.Add(due));
            timers.Arm(timer, due);
            return (Timer: timer, Due: due, IsCancelled: random.Next(3) > 0);
        }).ToArray();
        foreach (var cancelled in armed.Where(a => a.IsCancelled))
            cancelled.Timer.Cancel();
        var left = armed.Where(a => !a.IsCancelled).Select(a => a.Due).Order().ToArray();
        Assert.Equal(left.Length, timers.Count);

        for (var now = 0; timers.Count > 0; now = (int)timers.NextDue)
            timers.Fire(now);
        Assert.Equal(left, fired);
    }

    [Fact]
    public void A_timer_that_arms_itself_again_for_now_lets_everything_else_happen_in_between()
    {
        using var reactor = new Reactor();
        var fired = 0;
        void Again()
        {
            fired++;
            reactor.After(Duration.Zero, Again);
        }

        Again();
        reactor.Post(new ControlEvent.Tick());
        Assert.True(reactor.Next(Instant.Never).IsSome);
        Assert.True(reactor.Next(reactor.Now.Plus(new Duration(5))).IsNone);
        Assert.True(fired > 1);
    }

    [Fact]
    public void A_handler_that_was_stopped_earlier_in_the_same_batch_is_not_called()
    {
        using var reactor = new Reactor();
        using var a = new WakeUp();
        using var b = new WakeUp();
        var calls = 0;
        ulong first = 0, second = 0;
        void StopBoth(uint what)
        {
            calls++;
            reactor.Unwatch(a.Fd, first);
            reactor.Unwatch(b.Fd, second);
        }

        first = reactor.Watch(a.Fd, Libc.EPOLLIN, StopBoth);
        second = reactor.Watch(b.Fd, Libc.EPOLLIN, StopBoth);
        a.Signal();
        b.Signal();
        Assert.True(reactor.Next(reactor.Now.Plus(new Duration(30))).IsNone);
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_signal_between_two_looks_of_its_owner_is_never_lost()
    {
        const int rounds = 100_000;
        using var wake = new WakeUp();
        using var epoll = new Epoll();
        epoll.Add(wake.Fd, Libc.EPOLLIN, 7);
        var queue = new ConcurrentQueue<int>();
        var taken = 0;
        var writer = new Thread(() =>
        {
            for (var i = 0; i < rounds; i++)
            {
                queue.Enqueue(i);
                wake.Signal();
                // A new one right after the last was taken meets its owner just as that goes back to sleep.
                var patience = Stopwatch.StartNew();
                while (Volatile.Read(ref taken) <= i && patience.ElapsedMilliseconds < 5_000)
                    Thread.SpinWait(1);
            }
        });
        writer.Start();
        while (taken < rounds)
        {
            var woken = epoll.Wait(2_000);
            Assert.True(woken == 1 || queue.IsEmpty, $"signal {taken} was lost");
            wake.Clear();
            while (queue.TryDequeue(out _))
                Volatile.Write(ref taken, taken + 1);
        }

        writer.Join();
    }
}
