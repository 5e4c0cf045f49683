using LanguageExt;

namespace Bal.Domain.Balancing;

/// <summary>
/// Each client has a number in one sequence of its service, and that number chooses where it begins; from there on it
/// goes round until it finds a backend that it has not tried. With different weights it begins in
/// <see cref="SmoothOrder"/>.
/// </summary>
internal sealed class RoundRobin : Picker
{
    // Places in the order of the turns; empty where all weights are equal, since each place is its own turn then.
    private readonly int[] order;

    private RoundRobin(Tier tier, Arr<Route> routes, int[] order) : base(tier, routes) => this.order = order;

    /// <summary>The places in the order of the turns; empty where each place is its own turn.</summary>
    internal int[] Order => order;

    /// <summary>The method among these, with the order of the picker before where the weights are the same.</summary>
    public static RoundRobin Of(Tier tier, Arr<Route> routes, Option<Picker> before) => new(
        tier,
        routes,
        before.Bind(picker => picker is RoundRobin one && SameWeights(one.Routes, routes)
            ? Prelude.Some(one.order)
            : Prelude.None).IfNone(() => SmoothOrder.Of([.. routes.Select(route => route.Weight)])));

    public override int Choose(Attempt attempt)
    {
        if (Routes.IsEmpty)
            return -1;
        var first = order.Length == 0
            ? (int)(attempt.Turn % (ulong)Routes.Count)
            : order[attempt.Turn % (ulong)order.Length];
        return FirstUntried(first, attempt);
    }

    private static bool SameWeights(Arr<Route> these, Arr<Route> those)
    {
        if (these.Count != those.Count)
            return false;
        for (var i = 0; i < these.Count; i++)
        {
            if (these[i].Weight != those[i].Weight)
                return false;
        }

        return true;
    }
}
