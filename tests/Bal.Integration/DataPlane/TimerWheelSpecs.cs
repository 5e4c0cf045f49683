using Bal.Infrastructure.DataPlane;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Integration.DataPlane;

/// <summary>The wheel against the plainest timer there is: a table of deadlines that is looked through.</summary>
public sealed class TimerWheelSpecs
{
    private const int Sessions = 24;

    /// <summary>What a loop does with its timers, one thing at a time.</summary>
    public abstract record Act
    {
        /// <summary>Arms or moves a timer, also to a moment that has passed.</summary>
        public sealed record Arm(int Session, long In) : Act;

        public sealed record Disarm(int Session) : Act;

        /// <summary>Time passes; nothing is fired yet, as within a batch of events.</summary>
        public sealed record Wake(long After) : Act;

        /// <summary>Everything that is due is taken.</summary>
        public sealed record Fire : Act;

        /// <summary>The loop sleeps exactly as long as the wheel allows, then fires.</summary>
        public sealed record Sleep : Act;
    }

    public static class Acts
    {
        private static readonly Gen<long> Span = Gen.OneOf(
            Gen.Choose(0, 20).Select(x => (long)x),
            Gen.Choose(0, 600).Select(x => (long)x),
            Gen.Choose(0, 40_000).Select(x => (long)x),
            Gen.Choose(0, 3_000_000).Select(x => (long)x),
            // The wheel's levels together reach 37 hours.
            Gen.Choose(0, 2_000_000).Select(x => x * 1_000L));

        public static Arbitrary<Act[]> Lives() => Gen.Frequency(
            (6, Gen.Choose(0, Sessions - 1).SelectMany(s => Span.Select(x => (Act)new Act.Arm(s, x - 10)))),
            (2, Gen.Choose(0, Sessions - 1).Select(s => (Act)new Act.Disarm(s))),
            (3, Span.Select(x => (Act)new Act.Wake(x))),
            (3, Gen.Constant((Act)new Act.Fire())),
            (4, Gen.Constant((Act)new Act.Sleep()))).ArrayOf().ToArbitrary();
    }

    [Property(Arbitrary = [typeof(Acts)], MaxTest = 400, EndSize = 150)]
    public unsafe void Nothing_fires_early_or_a_tick_late_and_no_sleep_is_too_long(Act[] life, PositiveInt start)
    {
        using var pool = new SessionPool();
        var sessions = new Session*[Sessions];
        for (var i = 0; i < Sessions; i++)
            sessions[i] = pool.Rent();
        var model = new Dictionary<int, long>();
        long now = start.Get;
        var wheel = new TimerWheel(now);

        foreach (var act in life)
        {
            switch (act)
            {
                case Act.Arm arm:
                    wheel.Arm(sessions[arm.Session], now + arm.In);
                    model[arm.Session] = now + arm.In;
                    break;
                case Act.Disarm disarm:
                    wheel.Disarm(sessions[disarm.Session]);
                    model.Remove(disarm.Session);
                    break;
                case Act.Wake wake:
                    now += wake.After;
                    wheel.Sync(now);
                    break;
                case Act.Sleep when model.Count > 0:
                    now += wheel.WaitMs(now);
                    wheel.Sync(now);
                    Fire();
                    break;
                case Act.Fire:
                    Fire();
                    break;
            }

            Assert.Equal(model.Count, wheel.Count);
            var wait = wheel.WaitMs(now);
            if (model.Count == 0)
                Assert.Equal(-1, wait);
            else
                Assert.InRange(wait, 0, Math.Max(0, TickAfter(model.Values.Min()) - now));
        }

        // Sleeping as told, every timer fires, and without a periodic tick: a few stops for each level of the wheel.
        for (var sleeps = 0; model.Count > 0; sleeps++)
        {
            Assert.True(sleeps < 40 * Sessions, "the wheel wakes its loop for nothing");
            now += wheel.WaitMs(now);
            Fire();
        }

        void Fire()
        {
            Session* due;
            while ((due = wheel.TakeDue(now)) != null)
            {
                var who = 0;
                while (sessions[who] != due)
                    who++;
                Assert.True(model.Remove(who, out var deadline), "a timer fired that was not armed");
                Assert.True(deadline <= now, $"fired at {now}, {deadline - now} ms early");
            }

            Assert.All(model.Values, deadline => Assert.True(TickAfter(deadline) > now, $"{now - deadline} ms late"));
        }
    }

    private static long TickAfter(long deadline) =>
        (deadline + TimerWheel.TickMs - 1) / TimerWheel.TickMs * TimerWheel.TickMs;
}
