using Bal.Domain.Admission;
using Bal.Domain.Balancing;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Application.Simulation;

/// <summary>As <see cref="Selector.Next"/>.</summary>
public delegate Option<Candidate> SelectionRule(Selector selector, Attempt attempt);

/// <summary>
/// The decisions that a simulation consists of: those of production, unless a test looks on or breaks one on purpose.
/// </summary>
public sealed record SimulationRules
{
    /// <summary>The rules of production.</summary>
    public static readonly SimulationRules Production = new();

    /// <summary>As <see cref="ControlMachine.Step"/>.</summary>
    public Func<ControlEvent, Instant, ControlState, ControlStep> Decide { get; init; } = ControlMachine.Step;

    /// <summary>As <see cref="Selector.Next"/>.</summary>
    public SelectionRule Select { get; init; } = (selector, attempt) => selector.Next(attempt);

    /// <summary>What the loops make of a table that they are given.</summary>
    public Func<RoutingTable, RoutingTable> Hear { get; init; } = table => table;

    /// <summary>As <see cref="AdmissionRule.Admits"/>.</summary>
    public Func<int, int, bool> Admits { get; init; } = AdmissionRule.Admits;
}
