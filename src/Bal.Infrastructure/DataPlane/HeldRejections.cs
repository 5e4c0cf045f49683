using Bal.Domain.Counting;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Rejected connections of one loop that have no line in the access log yet (<see cref="RejectionTally"/>): for each
/// service and reason the newest of them, and how many others there are. Only those of which a line did not find room
/// in the present second are here.
/// </summary>
internal sealed class HeldRejections
{
    private readonly Dictionary<int, int> places = new(64);
    private Held[] items = new Held[8];

    internal struct Held
    {
        public int Key;
        public RejectionTally Tally;
        public AccessRecord Newest;
    }

    /// <summary>How many services and reasons there are something of.</summary>
    public int Count => places.Count;

    /// <summary>One of them.</summary>
    public ref Held this[int place] => ref items[place];

    /// <summary>What is held of a service, by its index, and a reason.</summary>
    public RejectionTally TallyOf(int service, int reason) =>
        places.Count > 0 && places.TryGetValue(KeyOf(service, reason), out var place)
            ? items[place].Tally
            : RejectionTally.None;

    /// <summary>The index of the service of a key.</summary>
    public static int ServiceOf(int key) => key / Reasons;

    /// <summary>The reason of a key.</summary>
    public static int ReasonOf(int key) => key % Reasons;

    /// <summary>Keeps what is left to say; nothing where nothing is.</summary>
    public void Keep(int service, in AccessRecord newest, RejectionTally tally)
    {
        var key = KeyOf(service, newest.Reason);
        if (!places.TryGetValue(key, out var place))
        {
            if (tally.Unsaid == 0)
                return;
            place = places.Count;
            if (place == items.Length)
                Array.Resize(ref items, 2 * items.Length);
            places.Add(key, place);
        }

        if (tally.Unsaid > 0)
        {
            items[place] = new Held { Key = key, Tally = tally, Newest = newest };
            return;
        }

        places.Remove(key);
        if (place == places.Count)
            return;
        items[place] = items[places.Count];
        places[items[place].Key] = place;
    }

    private static readonly int Reasons = Enum.GetValues<TerminationReason>().Length;

    private static int KeyOf(int service, int reason) => service * Reasons + reason;
}
