using Bal.Domain.Backend;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using LanguageExt;
using static Bal.Domain.Control.Decisions;

namespace Bal.Domain.Control;

/// <summary>What operators order, and what becomes of it: it is to outlive the process.</summary>
internal static class OverrideTransitions
{
    public static ControlStep Order(ControlEvent.Ordered ordered, Instant now, ControlState state)
    {
        var (order, by) = (ordered.Order, ordered.By);
        if (state.Phase.IsHandedOver)
            return Nothing(state);
        return Overriding.IsRefused(order, by, state)
            ? Nothing(state).Say(OverrideLines.Refused(order, by, state))
            : order.Match(
                drain: o => On(o.Backend, order, by, now, state).Then(Keep(state)),
                enable: o => On(o.Backend, order, by, now, state).Then(Keep(state)),
                enableAll: () => EnableAll(order, by, now, state),
                weight: o => On(o.Backend, order, by, now, state).Then(Keep(state)));
    }

    /// <summary>What an earlier process has kept: before anybody is served.</summary>
    public static ControlStep Read(ControlEvent.OverridesRead read, ControlState state)
    {
        var held = read.Overrides.GroupBy(one => (one.Service, one.Backend))
            .ToDictionary(same => same.Key, same => same.Last().Override);
        var services = state.Services.Map(service => service.Removed ? service : service with
        {
            Backends = service.Backends.Map(backend =>
                !backend.Draining
                && held.TryGetValue((service.Config.Name, backend.Endpoint.ToString()), out var its)
                    ? backend with { Override = its }
                    : backend),
        });
        var after = (state with
        {
            Services = services,
            Keeping = state.Keeping with { Changes = 1, Kept = 1, PutAside = read.PutAside },
        }).Indexed();
        var found = Overriding.ListOf(after);
        var publish = after.InOrder.Filter(service => service.Backends.Values.Any(b => b.Override.IsSome))
            .Map<ControlEffect>(service => new ControlEffect.Publish(service.Id));
        var step = new ControlStep(after, publish)
        {
            Effects = publish.Append(OverrideLines.Read(read, found).Map<ControlEffect>(
                line => new ControlEffect.Log(line))),
        };
        // Of backends that the file no longer has, nothing is kept; and that a file was put aside is.
        return found.Count == read.Overrides.Count && read.PutAside.IsNone ? step : step.Then(Changed);
    }

    /// <summary>What came of writing.</summary>
    public static ControlStep Kept(ControlEvent.OverridesKept kept, Instant now, ControlState state)
    {
        var before = state.Keeping;
        var after = before.After(kept.Change, kept.WhyNot, now);
        var step = Nothing(state with { Keeping = after });
        return (before.WhyNot.IsSome, after.WhyNot.IsSome) switch
        {
            (false, true) => step.Say(OverrideLines.NotKept(after.WhyNot.IfNone(""))),
            (true, false) => step.Say(OverrideLines.KeptAgain),
            _ => step,
        };
    }

    /// <summary>Where the file is the next thing to look after; never in a process that has been replaced.</summary>
    public static Instant DueAt(ControlState state) =>
        state.Phase.IsHandedOver ? Instant.Never : state.Keeping.RetryAt;

    public static ControlStep Tick(Instant now, ControlState state)
    {
        var step = DueAt(state).IsDue(now)
            ? Nothing(state with { Keeping = state.Keeping with { RetryAt = Instant.Never } })
                .And(new ControlEffect.KeepOverrides(state.Keeping.Changes))
            : Nothing(state);
        return step.Then(s => s.Index.ResetsDue(now).Fold(Nothing(s), (all, id) => all.Then(inner =>
            inner.OnBackend(id, (service, backend) => ServiceStep.Of(
                backend with { ResetAt = Instant.Never },
                service,
                new ControlEffect.Log(OverrideLines.Reset(service.Config, backend)),
                new ControlEffect.Reset(id, TerminationReason.Drain))))));
    }

    /// <summary>After a reload: what it has removed, or gives another name, is kept as it is now.</summary>
    public static Func<ControlState, ControlStep> Keep(ControlState before) => after =>
        after.Keeping == OverrideKeeping.None && before.Keeping == OverrideKeeping.None
        && !after.Services.Values.Exists(s => s.Backends.Values.Any(b => b.Override.IsSome))
            ? Nothing(after)
            : Differ(before, after) ? Changed(after) : Nothing(after);

    /// <summary>There is something to write.</summary>
    public static ControlStep Changed(ControlState state)
    {
        var keeping = state.Keeping.Changed();
        return Nothing(state with { Keeping = keeping }).And(new ControlEffect.KeepOverrides(keeping.Changes));
    }

    private static bool Differ(ControlState before, ControlState after)
    {
        var some = OverrideKeeping.None.Changed();
        return Overriding.ListOf(before with { Keeping = some }) != Overriding.ListOf(after with { Keeping = some });
    }

    private static ControlStep EnableAll(OperatorOrder order, Operator by, Instant now, ControlState state)
    {
        var ids = state.InOrder.Bind(service => service.InOrder).Filter(b => b.Override.IsSome).Map(b => b.Id);
        var wasAside = state.Keeping.PutAside.IsSome;
        var cleared = state with { Keeping = state.Keeping with { PutAside = Option<string>.None } };
        return ids.Fold(Nothing(cleared), (step, id) => step.Then(s => On(id, order, by, now, s)))
            .Then(s => wasAside || !ids.IsEmpty ? Changed(s) : Nothing(s));
    }

    private static ControlStep On(
        BackendId id, OperatorOrder order, Operator by, Instant now, ControlState state) =>
        state.OnBackend(id, (service, backend) =>
        {
            if (backend.Draining)
                return ServiceStep.Of(backend, service);
            var held = Overriding.After(order, by, backend.Override);
            var after = backend with { Override = held, ResetAt = ResetAt(order, held, now, backend) };
            return after == backend
                ? ServiceStep.Of(backend, service)
                : ServiceStep.Of(
                    after, service, new ControlEffect.Log(OverrideLines.Set(service.Config, backend, after, by)));
        });

    private static Instant ResetAt(OperatorOrder order, Option<Override> held, Instant now, BackendState backend) =>
        !Overriding.IsDrained(held)
            ? Instant.Never
            : order.Match(
                drain: o => o.ResetAfter.Match(after => now.Plus(after), () => backend.ResetAt),
                enable: _ => Instant.Never,
                enableAll: () => Instant.Never,
                weight: _ => backend.ResetAt);
}
