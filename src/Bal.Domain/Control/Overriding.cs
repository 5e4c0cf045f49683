using Bal.Domain.Backend;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>
/// The algebra of what operators say. Each order is a function of the override before it, so that of two operators one
/// is simply the first: a drain is a drain however often it is asked for, a weight stands beside it, and
/// <c>enable</c> ends both.
/// </summary>
public static class Overriding
{
    /// <summary>What holds of a backend after an order about it; the same value where nothing changes.</summary>
    public static Option<Override> After(OperatorOrder order, Operator by, Option<Override> before)
    {
        var (drained, weight) = (IsDrained(before), WeightOf(before));
        return order.Match(
            drain: _ => drained ? before : new Override(true, weight, by),
            enable: _ => Option<Override>.None,
            enableAll: () => Option<Override>.None,
            weight: o => o.Weight == weight ? before
                : drained || o.Weight.IsSome ? new Override(drained, o.Weight, by)
                : Option<Override>.None);
    }

    /// <summary>
    /// Whether an order would leave its service without a backend that can serve, or without one that ever could by
    /// itself. The last one is taken only by force.
    /// </summary>
    public static bool TakesLast(OperatorOrder order, Operator by, ControlState state) => order.Match(
        drain: o => TakesLast(o.Backend, order, by, state),
        enable: _ => false,
        enableAll: () => false,
        weight: o => TakesLast(o.Backend, order, by, state));

    /// <summary>Whether an order is refused: it takes the last one, and not by force.</summary>
    public static bool IsRefused(OperatorOrder order, Operator by, ControlState state) =>
        !order.Match(o => o.Force, _ => false, () => false, o => o.Force) && TakesLast(order, by, state);

    /// <summary>Whether a backend serves new clients at present.</summary>
    public static bool IsUsable(BackendState backend) =>
        IsWanted(backend) && backend.Health.Up && backend.IsPlaced && !backend.LeadsHere;

    /// <summary>What is to be kept of a state, in its order.</summary>
    public static Arr<KeptOverride> ListOf(ControlState state) => state.Keeping == OverrideKeeping.None
        ? Arr<KeptOverride>.Empty
        : new(from service in state.InOrder
              where !service.Removed
              from backend in service.InOrder
              where !backend.Draining
              from held in backend.Override
              select new KeptOverride(service.Config.Name, backend.Endpoint.ToString(), held));

    internal static bool IsDrained(Option<Override> held) => held.Exists(o => o.Drained);

    internal static Option<int> WeightOf(Option<Override> held) => held.Bind(o => o.Weight);

    // Whether it would serve if only it were up.
    private static bool IsWanted(BackendState backend) =>
        !backend.Draining && !backend.IsDrained && backend.Weight > 0;

    private static bool TakesLast(BackendId id, OperatorOrder order, Operator by, ControlState state) =>
        state.Index.Find(id).Exists(home =>
        {
            var before = state.Services[home.Service.Value].Backends;
            var backend = before[home.Place];
            var after = before.SetItem(home.Place, backend with { Override = After(order, by, backend.Override) });
            return Loses(before, after, IsUsable) || Loses(before, after, IsWanted);
        });

    private static bool Loses(
        Map<int, BackendState> before, Map<int, BackendState> after, Func<BackendState, bool> isIt) =>
        before.Values.Any(isIt) && !after.Values.Any(isIt);
}
