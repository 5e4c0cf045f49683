using Bal.Domain.Admission;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Integration.DataPlane;

/// <summary>What a service knows of its clients, in memory that several processes have.</summary>
public sealed class ClientTableSpecs
{
    private const int NoLimit = int.MaxValue;

    /// <summary>A client comes, or the one that came before it goes.</summary>
    public sealed record Visit(bool Comes, int Client, int Process, int Pause);

    public static Arbitrary<Visit[]> Visits() => Arb.From(Gen.ArrayOf(
        from comes in Gen.Elements(true, true, false)
        from client in Gen.Choose(1, 9)
        from process in Gen.Choose(0, 2)
        from pause in Gen.Frequency((8, Gen.Constant(0)), (3, Gen.Choose(1, 400)), (1, Gen.Constant(1_100)))
        select new Visit(comes, client, process, pause)));

    // Six entries for nine clients, three processes, and everything kept in the plainest way beside it.
    [Property(Arbitrary = [typeof(ClientTableSpecs)], MaxTest = 300)]
    public void Three_processes_together_do_what_one_list_would(Visit[] visits)
    {
        const int Connections = 2;
        const int Rate = 3;
        using var tables = new Tables(6, 3);
        var open = new List<(int Process, int Entry, int Client)>();
        var (buckets, now) = (new Dictionary<int, (int Client, long FullAt)>(), 1_000L);
        foreach (var visit in visits)
        {
            now += visit.Pause;
            if (!visit.Comes)
            {
                if (open.Count == 0)
                    continue;
                var gone = open[visit.Client % open.Count];
                tables[gone.Process].Leave(gone.Entry);
                open.Remove(gone);
                continue;
            }

            var refusal = tables[visit.Process].TryEnter(
                (ulong)visit.Client, Connections, Rate, now, out var entry);
            var shared = entry == tables[0].Shared;
            var known = open.Where(one => shared ? one.Entry == entry : one.Client == visit.Client && one.Entry != 6);
            // Whoever shares does so because all six have connections.
            if (shared)
                Assert.Equal(6, open.Select(one => one.Entry).Where(one => one != entry).Distinct().Count());
            Assert.Equal(refusal == Refusal.ClientLimit, known.Count() >= Connections);
            var bucket = buckets.GetValueOrDefault(entry, (shared ? 0 : visit.Client, 0));
            // Somebody was forgotten for it.
            var whose = shared ? 0 : visit.Client;
            if (bucket.Client != whose)
                bucket = (whose, 0);
            var step = ConnectionRate.Take(bucket.FullAt, now * 1_000_000, Rate);
            if (refusal != Refusal.ClientLimit)
                Assert.Equal(step.Admits, refusal is null);
            buckets[entry] = (whose, refusal is null ? step.FullAt : bucket.FullAt);
            if (refusal is null)
                open.Add((visit.Process, entry, visit.Client));
            Assert.All(open.Where(one => one.Entry != 6), one => Assert.Equal(one.Client, buckets[one.Entry].Client));
            Assert.All(Enumerable.Range(0, 7), e => Assert.Equal(
                open.Count(one => one.Entry == e), tables.All.Sum(table => table.OwnOf(e))));
        }
    }

    [Fact]
    public void Of_clients_without_connections_those_with_a_full_bucket_go_first()
    {
        using var tables = new Tables(3, 1);
        var table = tables[0];
        var entries = new int[4];
        foreach (var client in new[] { 1, 2, 3 })
        {
            // The second comes last, and the first and the third have rested.
            Assert.Null(table.TryEnter((ulong)client, NoLimit, 5, client == 2 ? 9_999 : 1_000, out entries[client]));
            table.Leave(entries[client]);
        }

        foreach (var newcomer in new[] { 11UL, 12UL })
        {
            Assert.Null(table.TryEnter(newcomer, NoLimit, 5, 10_000, out var entry));
            Assert.NotEqual(entries[2], entry);
        }

        // Now only the second is left, and then nobody.
        Assert.Null(table.TryEnter(13, NoLimit, 5, 10_000, out var last));
        Assert.Equal(entries[2], last);
        Assert.False(table.Known(10_000).NewcomersShare);
        Assert.Null(table.TryEnter(14, NoLimit, 5, 10_000, out var shared));
        Assert.Equal(table.Shared, shared);
        Assert.True(table.Known(10_000).NewcomersShare);
    }

    [Fact]
    public void Of_buckets_that_are_not_full_the_one_goes_that_is_full_soonest_and_leaves_nothing_behind()
    {
        using var tables = new Tables(2, 1);
        var table = tables[0];
        for (var i = 0; i < 5; i++)
        {
            Assert.Null(table.TryEnter(1, NoLimit, 5, 1_000, out var one));
            table.Leave(one);
        }

        Assert.Null(table.TryEnter(2, NoLimit, 5, 1_000, out var other));
        table.Leave(other);

        Assert.Null(table.TryEnter(3, NoLimit, 5, 1_000, out var entry));
        Assert.Equal(other, entry);
        for (var i = 1; i < 5; i++)
            Assert.Null(table.TryEnter(3, NoLimit, 5, 1_000, out _));
        Assert.Equal(Refusal.ClientRate, table.TryEnter(3, NoLimit, 5, 1_000, out _));
        Assert.Equal(Refusal.ClientRate, table.TryEnter(1, NoLimit, 5, 1_000, out _));
    }

    [Fact]
    public void A_flood_of_a_million_clients_takes_no_more_memory_and_forgets_nobody_who_is_connected()
    {
        using var table = Right(ClientTable.Create());
        table.Join(0);
        const ulong Victim = ulong.MaxValue;
        for (var i = 0; i < 3; i++)
            Assert.Null(table.TryEnter(Victim, 3, 100, 1_000, out _));

        for (var i = 0UL; i < 1_000_000; i++)
        {
            Assert.Null(table.TryEnter(i << 16, 3, 100, 1_000 + (long)(i / 1_000), out var entry));
            Assert.NotEqual(table.Shared, entry);
            table.Leave(entry);
            if (i % 1_000 == 0)
                Assert.Equal(Refusal.ClientLimit, table.TryEnter(Victim, 3, 100, 1_000 + (long)(i / 1_000), out _));
        }

        Assert.Equal(ClientLimits.MaxKnown, table.Known(3_000).Known);
        Assert.InRange(Libc.EndOf(table.Fd), 1, 18 << 20);
    }

    [Fact]
    public void Where_all_clients_are_connected_newcomers_are_one_client_together_until_one_of_those_goes()
    {
        using var table = Right(ClientTable.Create());
        table.Join(0);
        for (var i = 0UL; i < ClientLimits.MaxKnown; i++)
        {
            Assert.Null(table.TryEnter(i, 2, 10, 1_000, out var entry));
            Assert.NotEqual(table.Shared, entry);
        }

        Assert.False(table.Known(1_000).NewcomersShare);
        Assert.Null(table.TryEnter(1UL << 40, 2, 10, 1_000, out var first));
        Assert.Null(table.TryEnter(1UL << 41, 2, 10, 1_000, out var second));
        Assert.Equal((table.Shared, table.Shared), (first, second));
        Assert.Equal(Refusal.ClientLimit, table.TryEnter(1UL << 42, 2, 10, 1_000, out _));
        // Those that are known are not concerned.
        Assert.Null(table.TryEnter(7, 2, 10, 1_000, out _));
        Assert.Equal(Refusal.ClientLimit, table.TryEnter(7, 2, 10, 1_000, out _));
        Assert.True(table.Known(99_000).NewcomersShare);

        table.Leave(first);
        table.Leave(second);
        table.Leave(123);
        // A newcomer looks at 256 of them, and each time at others.
        var found = Enumerable.Range(0, ClientLimits.MaxKnown / ForgetRule.Looks + 1).Any(i =>
        {
            Assert.Null(table.TryEnter(1UL << 43, 2, 0, 2_000, out var entry));
            table.Leave(entry);
            return entry == 123;
        });
        Assert.True(found);
        Assert.True(table.Known(2_001).NewcomersShare);
        Assert.False(table.Known(62_001).NewcomersShare);
    }

    [Fact]
    public void What_a_process_had_open_goes_with_it()
    {
        using var tables = new Tables(4, 3);
        Assert.Null(tables[1].TryEnter(7, 2, 0, 1_000, out _));
        Assert.Null(tables[2].TryEnter(7, 2, 0, 1_000, out _));
        Assert.Equal(Refusal.ClientLimit, tables[0].TryEnter(7, 2, 0, 1_000, out _));

        tables[0].Retain([1]);
        Assert.Null(tables[0].TryEnter(7, 2, 0, 1_000, out _));
        Assert.Equal(Refusal.ClientLimit, tables[0].TryEnter(7, 2, 0, 1_000, out _));
        tables[0].Retain([]);
        Assert.Null(tables[0].TryEnter(7, 2, 0, 1_000, out _));
        Assert.Equal(Refusal.ClientLimit, tables[0].TryEnter(7, 2, 0, 1_000, out _));
    }

    // The column of a process that was killed is used again, and so is its lock.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Whoever_was_killed_with_the_lock_keeps_nobody_from_being_known(bool sameColumn)
    {
        using var tables = new Tables(4, 2);
        for (var client = 1UL; client <= 4; client++)
            Assert.Null(tables[1].TryEnter(client, 1, 0, 1_000, out _));
        tables[1].DieWithTheLock(marked: 2);
        // A newcomer is not held up; the others are known, but for the one that was about to be forgotten.
        Assert.Null(tables[0].TryEnter(9, 1, 0, 1_000, out var entry));
        Assert.Equal(tables[0].Shared, entry);
        Assert.Equal(Refusal.ClientLimit, tables[0].TryEnter(1, 1, 0, 1_000, out _));
        tables[0].Leave(entry);

        if (sameColumn)
            tables.Join(1);
        else
            tables[0].Retain([]);
        for (var client = 1UL; client <= 4; client++)
        {
            Assert.Null(tables[0].TryEnter(client, 1, 0, 3_000, out var known));
            Assert.NotEqual(tables[0].Shared, known);
            Assert.Equal(Refusal.ClientLimit, tables[0].TryEnter(client, 1, 0, 3_000, out _));
        }
    }

    [Fact]
    public void Memory_of_something_else_is_refused()
    {
        using var table = Right(ClientTable.Create(8));
        Assert.Null(ClientTable.Of(SharedMemory.Create("test", 4_096), 8));
        Assert.Null(ClientTable.Of(SharedMemory.Create("test", Libc.EndOf(table.Fd)), 8));
    }

    /// <summary>Processes that share a table; in this one, each with a mapping of its own.</summary>
    internal sealed class Tables : IDisposable
    {
        private readonly List<ClientTable> all;
        private readonly int capacity;

        public Tables(int capacity, int processes)
        {
            this.capacity = capacity;
            all = [Right(ClientTable.Create(capacity))];
            all[0].Join(0);
            for (var column = 1; column < processes; column++)
                all.Add(Join(column));
        }

        public IReadOnlyList<ClientTable> All => all;

        public ClientTable this[int process] => all[process];

        public ClientTable Join(int column)
        {
            var table = ClientTable.Of(Bal.Infrastructure.Linux.Sockets.Duplicate(all[0].Fd), capacity)!;
            table.Join(column);
            return table;
        }

        public void Dispose() => all.ForEach(table => table.Dispose());
    }

    internal static ClientTable Right(LanguageExt.Either<Bal.Domain.Messages.Problem, ClientTable> made) => made.Match(
        Right: table => table, Left: problem => throw new InvalidOperationException(problem.ToText()));
}
