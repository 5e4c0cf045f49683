using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>What a command wants done with backends.</summary>
public enum OrderKind
{
    /// <summary>No new clients.</summary>
    Drain,

    /// <summary>As the file says.</summary>
    Enable,

    /// <summary>Every backend as the file says.</summary>
    EnableAll,

    /// <summary>Another weight.</summary>
    Weight,

    /// <summary>Nothing: to see how it is.</summary>
    Look,
}

/// <summary>A command about a backend, as it was typed.</summary>
/// <param name="Kind">What it wants.</param>
/// <param name="Word">What names the backend; empty for all.</param>
public sealed record OrderRequest(OrderKind Kind, string Word)
{
    /// <summary>The weight; none for the configured one.</summary>
    public Option<int> Weight { get; init; }

    /// <summary>When a drain resets what is left; none where it does not.</summary>
    public Option<Duration> ResetAfter { get; init; }

    /// <summary>Even where it takes the last usable backend.</summary>
    public bool Force { get; init; }
}

/// <summary>What came of a command about backends.</summary>
/// <param name="Problem">Why nothing was changed; none where it was done.</param>
/// <param name="Backends">The backends that it was about, at most <see cref="MostListed"/>.</param>
/// <param name="Total">How many there are.</param>
/// <param name="WhyNotKept">Why a restart would lose it; none where it is on disk.</param>
public sealed record OrderReport(
    Option<Problem> Problem, Arr<OrderedBackend> Backends, int Total, Option<string> WhyNotKept)
{
    /// <summary>So many backends are listed; an answer has a bound.</summary>
    public const int MostListed = 1_000;

    /// <summary>Nothing was changed.</summary>
    public static OrderReport Failed(Problem problem) =>
        new(problem, Arr<OrderedBackend>.Empty, 0, Option<string>.None);
}

/// <summary>A backend before and after a command.</summary>
/// <param name="Service">The name of its service.</param>
/// <param name="Address"><c>host:port</c>.</param>
/// <param name="State">Its state afterwards.</param>
/// <param name="Reachable">Whether it is up, drained or not.</param>
/// <param name="Connections">Connections that use it now.</param>
/// <param name="Before">How it was used.</param>
/// <param name="After">How it is used.</param>
/// <param name="ResetIn">How long until what is left of its connections is reset; none where they may finish.</param>
public sealed record OrderedBackend(
    string Service, string Address, string State, bool Reachable, long Connections, Usage Before, Usage After,
    Option<Duration> ResetIn);

/// <summary>How a backend is used.</summary>
/// <param name="Drained">It gets no new clients.</param>
/// <param name="Weight">Its share relative to the others.</param>
/// <param name="Override">What of that an operator has ordered.</param>
public sealed record Usage(bool Drained, int Weight, Option<Override> Override)
{
    /// <summary>How a backend is used now.</summary>
    public static Usage Of(BackendState backend) => new(backend.IsDrained, backend.Weight, backend.Override);

    /// <summary>In words.</summary>
    public override string ToString() => $"{(Drained ? "drained" : "in use")}, weight {Weight}" + Override.Match(
        held => $" (by {held.By.Name} since {OverrideText.Time(held.By.At)})", () => " (as configured)");
}

/// <summary>From what an operator types to an order, and from what it changed to an answer.</summary>
public static class Orders
{
    /// <summary>The order that a request means; none for one that only looks.</summary>
    public static Either<Problem, Option<OperatorOrder>> Of(OrderRequest request, ControlState state) =>
        request.Kind == OrderKind.EnableAll
            ? Option<OperatorOrder>.Some(new OperatorOrder.EnableAll())
            : Find(request, state).Map(backend => request.Kind switch
            {
                OrderKind.Drain => Option<OperatorOrder>.Some(
                    new OperatorOrder.Drain(backend.Id, request.ResetAfter, request.Force)),
                OrderKind.Enable => Option<OperatorOrder>.Some(new OperatorOrder.Enable(backend.Id)),
                OrderKind.Weight => Option<OperatorOrder>.Some(
                    new OperatorOrder.SetWeight(backend.Id, request.Weight, request.Force)),
                _ => Option<OperatorOrder>.None,
            });

    /// <summary>The answer to a request, whether it changed anything or not.</summary>
    /// <param name="request">The request.</param>
    /// <param name="before">The state before it.</param>
    /// <param name="after">The state after it.</param>
    /// <param name="traffic">What has passed.</param>
    /// <param name="now">The present.</param>
    public static OrderReport Report(
        OrderRequest request, ControlState before, ControlState after, Traffic traffic, Instant now)
    {
        var about = request.Kind == OrderKind.EnableAll
            ? before.InOrder.Bind(service => service.InOrder).Filter(b => b.Override.IsSome)
            : Find(request, before).Match(Right: backend => Prelude.Array(backend), Left: _ => Arr<BackendState>.Empty);
        var active = traffic.Backends.ToDictionary(t => t.Backend, t => t.Active);
        return new(
            Option<Problem>.None,
            new(about.Take(OrderReport.MostListed).Select(b => Compare(b, after, active, now))),
            about.Count,
            Option<string>.None);
    }

    /// <summary>Why an order is refused that takes the last usable backend.</summary>
    public static Problem Last(OrderRequest request, ControlState state) => Find(request, state).Match(
        Right: backend =>
        {
            var service = ServiceOf(backend, state);
            var others = service.InOrder.Filter(b => b.Id != backend.Id && !b.Draining);
            return new Problem(
                "last_usable_backend",
                $"{backend.Endpoint} is the last usable backend of service {service.Config.Name}: without it, new "
                    + "clients would be reset",
                others.IsEmpty
                    ? "it is the only backend of the service"
                    : "the others are down, drained or of weight 0: "
                    + string.Join(", ", others.Take(5).Select(b => b.Endpoint)) + (others.Count > 5 ? ", ..." : ""),
                "bring another one back first ('bal status', 'bal enable'), or add --force");
        },
        Left: problem => problem);

    private static OrderedBackend Compare(
        BackendState before, ControlState state, Dictionary<BackendId, long> active, Instant now)
    {
        var service = ServiceOf(before, state);
        var after = service.InOrder.Find(b => b.Id == before.Id).IfNone(before);
        return new(
            service.Config.Name,
            after.Endpoint.ToString(),
            StatusReports.StateOf(after),
            StatusReports.IsReachable(after),
            active.GetValueOrDefault(after.Id),
            Usage.Of(before),
            Usage.Of(after),
            after.ResetAt == Instant.Never ? Option<Duration>.None : after.ResetAt.Since(now));
    }

    private static ServiceState ServiceOf(BackendState backend, ControlState state) => state.Services[
        state.Index.Find(backend.Id).IfNone(() => throw new System.Diagnostics.UnreachableException()).Service.Value];

    private static Either<Problem, BackendState> Find(OrderRequest request, ControlState state) =>
        Addressing.Find(request.Word, state).Bind(target => target.Backend.Match(
            Some: backend => backend.Draining && request.Kind != OrderKind.Look
                ? Removed(target)
                : Either<Problem, BackendState>.Right(backend),
            None: () => NotABackend(target)));

    private static Problem Removed(Target target) => new(
        "backend_removed",
        $"{target} was removed by a reload, and only finishes its last connections",
        "the configuration no longer has it",
        "add it to the configuration again and run 'bal reload', or leave it alone");

    private static Problem NotABackend(Target target) => new(
        "not_a_backend",
        $"'{target}' is a service, and this is about one backend",
        "its backends are " + string.Join(", ", target.Service.InOrder.Take(10).Select(b => $"{target}/{b.Endpoint}"))
            + (target.Service.InOrder.Count > 10 ? ", ..." : ""),
        $"write for example {target}/{target.Service.InOrder[0].Endpoint}");
}
