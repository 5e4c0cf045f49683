using System.Text;
using Bal.Domain.Config;
using LanguageExt;

namespace Bal.Domain.Balancing;

/// <summary>
/// The client's address decides: a Maglev table (D. Eisenbud and others, Maglev, NSDI 2016) of the configured backends
/// with a weight above 0, whatever their state. A client whose backend cannot be used goes on to the next usable one of
/// its own sequence of slots, so that a backend that goes moves its own clients and no others, and has them again when
/// it returns. The table depends on addresses and weights alone: every instance has the same.
/// </summary>
internal sealed class SourceHash : Picker
{
    /// <summary>The slots of a table: a prime, so that every step visits them all.</summary>
    public const int Slots = 65_537;

    private readonly SlotTable slots;

    // The place of each configured backend among the routes; negative where it is not one of them.
    private readonly int[] places;

    public SourceHash(Tier tier, SlotTable slots, Arr<Route> routes) : base(tier, routes)
    {
        this.slots = slots;
        places = new int[slots.Backends.Count];
        Array.Fill(places, -1);
        for (var place = 0; place < routes.Count; place++)
        {
            if (slots.Numbers.TryGetValue(routes[place].Config.Endpoint, out var number))
                places[number] = place;
        }
    }

    public override int Choose(Attempt attempt)
    {
        // Whoever has tried them all must not walk through every slot to find that out.
        var untried = FirstUntried(0, attempt);
        if (untried < 0 || slots.IsEmpty)
            return untried;
        if (attempt.Source is not { } source)
            return FirstUntried((int)(attempt.Turn % (ulong)Routes.Count), attempt);
        var slot = (int)(source % Slots);
        var step = (int)((source >> 32) % (Slots - 1)) + 1;
        for (var visited = 0; visited < Slots; visited++)
        {
            var place = places[slots.At(slot)];
            if (place >= 0 && !Skips(place, attempt))
                return place;
            slot = slot + step < Slots ? slot + step : slot + step - Slots;
        }

        return untried;
    }
}

/// <summary>
/// The tables of a service: one of its primaries, and one of its backups, which get no client while primaries serve and
/// so must not move any.
/// </summary>
/// <param name="Primaries">Of the backends that are no backups; of all where there are no backups.</param>
/// <param name="Backups">Of the backups.</param>
internal sealed record HashTables(SlotTable Primaries, SlotTable Backups)
{
    private static readonly SlotTable Nobody = new(Arr<BackendConfig>.Empty);

    /// <summary>The tables of these backends; those of <paramref name="before"/> where nothing would change.</summary>
    public static HashTables Of(Arr<BackendConfig> backends, Option<HashTables> before)
    {
        var backups = backends.Filter(backend => backend.Backup);
        return backups.IsEmpty
            ? new(Slots(backends, before.Map(b => b.Primaries)), Nobody)
            : new(
                Slots(backends.Filter(backend => !backend.Backup), before.Map(b => b.Primaries)),
                Slots(backups, before.Map(b => b.Backups)));
    }

    /// <summary>That of the backends of one tier, which are all primaries or all backups.</summary>
    public SlotTable For(Arr<Route> routes) => !routes.IsEmpty && routes[0].Config.Backup ? Backups : Primaries;

    private static SlotTable Slots(Arr<BackendConfig> backends, Option<SlotTable> before) =>
        before.Filter(slots => slots.IsOf(backends)).IfNone(() => new SlotTable(backends));
}

/// <summary>Which backend each slot leads to.</summary>
internal sealed class SlotTable
{
    private readonly int[] slots;

    /// <summary>Fills the table: backends take empty slots in turn, more often the more weight they have.</summary>
    public SlotTable(Arr<BackendConfig> backends)
    {
        Backends = backends;
        Numbers = new Dictionary<Primitives.Endpoint, int>(backends.Count);
        for (var i = 0; i < backends.Count; i++)
            Numbers[backends[i].Endpoint] = i;
        // The order of the file must not matter.
        var taking = Enumerable.Range(0, backends.Count).Where(i => backends[i].Weight > 0)
            .Select(i => (Number: i, Name: backends[i].Endpoint.ToString()))
            .OrderBy(one => one.Name, StringComparer.Ordinal)
            .Select(one => new Taker(one.Number, backends[one.Number].Weight, one.Name)).ToArray();
        slots = taking.Length == 0 ? [] : Fill(taking);
    }

    /// <summary>What it was made of.</summary>
    public Arr<BackendConfig> Backends { get; }

    /// <summary>Whether it is the table of these: the same places and weights, whatever else has changed.</summary>
    public bool IsOf(Arr<BackendConfig> backends)
    {
        if (backends.Count != Backends.Count)
            return false;
        for (var i = 0; i < backends.Count; i++)
        {
            if (backends[i].Weight != Backends[i].Weight || backends[i].Endpoint != Backends[i].Endpoint)
                return false;
        }

        return true;
    }

    /// <summary>The number of each backend, as <see cref="At"/> gives it.</summary>
    public Dictionary<Primitives.Endpoint, int> Numbers { get; }

    /// <summary>Whether no backend has a weight above 0.</summary>
    public bool IsEmpty => slots.Length == 0;

    /// <summary>The number of the backend that a slot leads to.</summary>
    public int At(int slot) => slots[slot];

    private static int[] Fill(Taker[] taking)
    {
        var slots = new int[SourceHash.Slots];
        Array.Fill(slots, -1);
        var most = taking.Max(taker => taker.Weight);
        for (var free = SourceHash.Slots; free > 0;)
        {
            foreach (var taker in taking)
            {
                if (!taker.MayTake(most))
                    continue;
                slots[taker.NextFree(slots)] = taker.Number;
                if (--free == 0)
                    break;
            }
        }

        return slots;
    }

    /// <summary>
    /// A backend that takes slots in its own order of preference: it steps evenly through all numbers, and each number
    /// stands for a slot. Were the number the slot, as in the paper, two backends whose steps are small multiples of
    /// each other would get in each other's way all along: of random sets, one in two thousand would then move more
    /// than 2 % of the clients of others when it changes, and up to 6 %.
    /// </summary>
    private sealed class Taker(int number, int weight, string name)
    {
        private readonly int step = (int)(Hash.Of(Encoding.UTF8.GetBytes($"step {name}")) % (SourceHash.Slots - 1)) + 1;
        private readonly uint mixing = (uint)(Hash.Of(Encoding.UTF8.GetBytes($"mix {name}")) | 0x1_0001);

        private int at = (int)(Hash.Of(Encoding.UTF8.GetBytes($"slot {name}")) % SourceHash.Slots);
        private int credit;

        public int Number => number;

        public int Weight => weight;

        /// <summary>One of the greatest weight may in every round, the others in their share of the rounds.</summary>
        public bool MayTake(int most)
        {
            credit += weight;
            if (credit < most)
                return false;
            credit -= most;
            return true;
        }

        public int NextFree(int[] slots)
        {
            while (slots[SlotOf(at)] >= 0)
                at = at + step < SourceHash.Slots ? at + step : at + step - SourceHash.Slots;
            return SlotOf(at);
        }

        // A permutation of the 16 bits by two odd factors; the one number beyond them stands for itself.
        private int SlotOf(int number)
        {
            if (number == SourceHash.Slots - 1)
                return number;
            var bits = ((uint)number * (mixing & 0xffff)) & 0xffff;
            bits = ((bits ^ (bits >> 7)) * (mixing >> 16)) & 0xffff;
            return (int)(bits ^ (bits >> 9));
        }
    }
}
