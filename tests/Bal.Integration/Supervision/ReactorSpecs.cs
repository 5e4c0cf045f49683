using System.Collections.Concurrent;
using System.Diagnostics;
using Bal.Application;
using Bal.Domain.Control;
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
                reactor.PostFromOutside(new SupervisorInput.Happened(new ControlEvent.Tick()));
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
