using System.Diagnostics;
using Bal.Domain.Admission;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// What a service knows of its clients (<see cref="ClientLimits"/>): their open connections and their buckets, in
/// memory that all processes of one bal share. A client that is known is found, counted and let in without a lock; only
/// what adds and forgets clients takes one, and waits for another process at most <see cref="PatienceMs"/>. What a
/// process counts is in a column of its own, which goes with it. <see cref="ClientProtocol"/> is the model.
/// </summary>
internal sealed unsafe partial class ClientTable : IDisposable
{
    // As many connections at once of one client in two processes conflict at most for as long as both try anew.
    private const int MostConflicts = 64;

    // Who reads without the lock may be led astray by an entry that is given to another client meanwhile.
    private const int MostSteps = 64;

    /// <summary>
    /// How long the lock of another process is waited for. One that was stopped with it (SIGSTOP) is not waited for
    /// again within a second: until then those who are new share what there is for them.
    /// </summary>
    private const int PatienceMs = 5;

    private const int ImpatienceMs = 1_000;
    private const long ShownMs = 60_000;
    private const long NanosecondsPerMs = 1_000_000;

    // Among the loops of this process; the lock in the memory is for the others.
    private readonly Lock inside = new();
    private long impatientUntil;

    private enum Outcome
    {
        Counted,
        Full,
        Lost,
        Conflict,
    }

    /// <summary>The entry of those who are not told apart.</summary>
    public int Shared => capacity;

    /// <summary>What there is to say of it.</summary>
    /// <param name="now">Monotonic milliseconds.</param>
    public KnownClients Known(long now) => new(
        Volatile.Read(ref header->Used),
        OwnOf(Shared) + Elsewhere(Shared) > 0
            || (Volatile.Read(ref header->SharedAt) is > 0 and var at && now - at < ShownMs));

    /// <summary>Connections of an entry that this process has.</summary>
    public int OwnOf(int entry) => Volatile.Read(ref entries[entry].Open[column]);

    /// <summary>
    /// Counts a connection of a client and takes a token for it, or says why not; exact, whatever other loops and
    /// processes do meanwhile.
    /// </summary>
    /// <param name="client">Who (<see cref="ClientKey"/>).</param>
    /// <param name="connections">How many it may have; the greatest number there is for no limit.</param>
    /// <param name="rate">The size and rate of its bucket; 0 for no limit.</param>
    /// <param name="now">Monotonic milliseconds.</param>
    /// <param name="entry">What <see cref="Leave"/> wants to know at the end of the connection.</param>
    public Refusal? TryEnter(ulong client, int connections, int rate, long now, out int entry)
    {
        for (var conflicts = 0; ;)
        {
            entry = Find(client, MostSteps);
            if (entry < 0)
                entry = FindOrAdd(client, now);
            switch (Count(entry, client, connections))
            {
                case Outcome.Counted:
                    return rate == 0 || TakeToken(entry, rate, now * NanosecondsPerMs) ? null : Refusal.ClientRate;
                case Outcome.Full:
                    return Refusal.ClientLimit;
                case Outcome.Conflict when ++conflicts == MostConflicts:
                    return Refusal.ClientLimit;
                case Outcome.Conflict:
                    // Not all for equally long, or they meet again.
                    Thread.SpinWait((column + 1) << Math.Min(conflicts, 8));
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>A connection has ended.</summary>
    public void Leave(int entry) => Interlocked.Decrement(ref entries[entry].Open[column]);

    private Outcome Count(int entry, ulong client, int limit)
    {
        while (true)
        {
            var elsewhere = Elsewhere(entry);
            var seen = OwnOf(entry);
            if (!ClientLimits.Admits(seen, elsewhere, limit))
                return IsOf(entry, client) ? Outcome.Full : Outcome.Lost;
            if (Interlocked.CompareExchange(ref entries[entry].Open[column], seen + 1, seen) != seen)
                continue;
            var outcome = !IsOf(entry, client) ? Outcome.Lost
                : seen + 1 + Elsewhere(entry) > limit ? Outcome.Conflict
                : Outcome.Counted;
            if (outcome != Outcome.Counted)
                Leave(entry);
            return outcome;
        }
    }

    // In this order: whoever gives an entry away writes the client first and then takes the mark off.
    private bool IsOf(int entry, ulong client) => entry == Shared
        || (Volatile.Read(ref entries[entry].Marked) == 0 && Volatile.Read(ref entries[entry].Client) == client);

    private bool TakeToken(int entry, int rate, long now)
    {
        ref var bucket = ref entries[entry].FullAt;
        while (true)
        {
            var seen = Volatile.Read(ref bucket);
            var step = ConnectionRate.Take(seen, now, rate);
            if (step.Admits && Interlocked.CompareExchange(ref bucket, step.FullAt, seen) != seen)
                continue;
            if (!step.Admits)
                Leave(entry);
            return step.Admits;
        }
    }

    private long Elsewhere(int entry)
    {
        var sum = 0L;
        for (var other = 0; other < MaxColumns; other++)
            sum += other == column ? 0 : Volatile.Read(ref entries[entry].Open[other]);
        return sum;
    }

    // Negative where it is not found; without the lock that may be wrong.
    private int Find(ulong client, int steps)
    {
        var next = Volatile.Read(ref *HeadOf(client));
        for (; next != 0 && next <= capacity && steps > 0; steps--)
        {
            var entry = &entries[next - 1];
            if (Volatile.Read(ref entry->Client) == client)
                return (int)next - 1;
            next = Volatile.Read(ref entry->Next);
        }

        return -1;
    }

    private int FindOrAdd(ulong client, long now)
    {
        var entry = Shared;
        if (TryLock(now))
        {
            entry = Find(client, int.MaxValue) is >= 0 and var found ? found : Add(client, now * NanosecondsPerMs);
            Unlock();
        }

        if (entry == Shared)
            Volatile.Write(ref header->SharedAt, now);
        return entry;
    }

    private int Add(ulong client, long now)
    {
        var entry = header->Used;
        if (entry < capacity)
        {
            entries[entry].Client = client;
            Volatile.Write(ref header->Used, entry + 1);
        }
        else
        {
            entry = Forget(now);
            if (entry < 0)
                return Shared;
            entries[entry].FullAt = 0;
            Volatile.Write(ref entries[entry].Client, client);
            Volatile.Write(ref entries[entry].Marked, 0);
        }

        Link(entry);
        return entry;
    }

    // An entry that nobody finds any more, still marked; negative where all that were looked at are in use.
    private int Forget(long now)
    {
        var (last, lastFullAt) = (-1, long.MaxValue);
        for (var looks = Math.Min(capacity, ForgetRule.Looks); looks > 0; looks--)
        {
            var entry = header->Hand = header->Hand + 1 < capacity ? header->Hand + 1 : 0;
            var fullAt = Volatile.Read(ref entries[entry].FullAt);
            switch (ForgetRule.Of(OwnOf(entry) + Elsewhere(entry), fullAt, now))
            {
                case Forgettable.First when TryForget(entry):
                    return entry;
                case Forgettable.Lastly when ForgetRule.GoesBefore(fullAt, lastFullAt):
                    (last, lastFullAt) = (entry, fullAt);
                    break;
                default:
                    break;
            }
        }

        return last >= 0 && TryForget(last) ? last : -1;
    }

    private bool TryForget(int entry)
    {
        Interlocked.Exchange(ref entries[entry].Marked, 1);
        if (OwnOf(entry) + Elsewhere(entry) > 0)
        {
            Volatile.Write(ref entries[entry].Marked, 0);
            return false;
        }

        var at = HeadOf(entries[entry].Client);
        while (*at != entry + 1 && *at != 0)
            at = &entries[*at - 1].Next;
        if (*at != 0)
            Volatile.Write(ref *at, entries[entry].Next);
        return true;
    }

    private void Link(int entry)
    {
        var head = HeadOf(entries[entry].Client);
        Volatile.Write(ref entries[entry].Next, *head);
        Volatile.Write(ref *head, (uint)entry + 1);
    }

    private uint* HeadOf(ulong client) => &heads[(uint)hash.Of(client) & mask];

    private bool TryLock(long now)
    {
        inside.Enter();
        if (IsTaken())
            return true;
        // Only another process can have it, in the seconds after an upgrade.
        var (spin, until) = (default(SpinWait), Stopwatch.GetTimestamp() + Stopwatch.Frequency / 1_000 * PatienceMs);
        while (now >= impatientUntil && Stopwatch.GetTimestamp() < until)
        {
            spin.SpinOnce(sleep1Threshold: -1);
            if (IsTaken())
                return true;
        }

        if (now >= impatientUntil)
            impatientUntil = now + ImpatienceMs;
        inside.Exit();
        return false;

        bool IsTaken() => Interlocked.CompareExchange(ref header->Lock, column + 1, 0) == 0;
    }

    private void Unlock()
    {
        Volatile.Write(ref header->Lock, 0);
        inside.Exit();
    }
}
