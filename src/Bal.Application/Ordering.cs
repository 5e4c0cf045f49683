using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Application;

/// <summary>
/// Operators who wait for their answer: what they ordered holds already, and they are told once it outlives the
/// process, or it is known that it does not.
/// </summary>
internal sealed class Ordering
{
    /// <summary>A command waits 2 s for its answer.</summary>
    private static readonly Duration Patience = new(1_500);

    /// <summary>What is said where the disk takes longer.</summary>
    public static readonly string TooSlow = $"the disk has not answered for {Patience.ToText()}";

    private readonly Queue<Waiting> waiting = new();

    private sealed record Waiting(long Change, Instant Until, Action<OrderReport> Answer, OrderReport Report)
    {
        public void Tell(Option<string> whyNotKept) => Answer(Report with { WhyNotKept = whyNotKept });
    }

    /// <summary>When the first has waited for long enough; <see cref="Instant.Never"/> where nobody waits.</summary>
    public Instant DueAt => waiting.TryPeek(out var first) ? first.Until : Instant.Never;

    /// <summary>Answers at once where there is nothing to wait for.</summary>
    /// <param name="answer">Told.</param>
    /// <param name="report">What came of the order.</param>
    /// <param name="keeping">What of all is kept.</param>
    /// <param name="before">The last change before the order.</param>
    /// <param name="now">The present.</param>
    public void Answer(
        Action<OrderReport> answer, OrderReport report, OverrideKeeping keeping, long before, Instant now)
    {
        if (keeping.Kept >= keeping.Changes)
            answer(report);
        else if (keeping.WhyNot.IsSome && keeping.Changes == before)
            answer(report with { WhyNotKept = keeping.WhyNot });
        else
            waiting.Enqueue(new(keeping.Changes, now.Plus(Patience), answer, report));
    }

    /// <summary>An attempt to keep has ended.</summary>
    public void Ended(ControlEvent.OverridesKept kept)
    {
        while (waiting.TryPeek(out var first) && first.Change <= kept.Change)
            waiting.Dequeue().Tell(kept.WhyNot);
    }

    /// <summary>No attempt has ended in time.</summary>
    public void Overdue(Instant now)
    {
        while (waiting.TryPeek(out var first) && first.Until.IsDue(now))
            waiting.Dequeue().Tell(TooSlow);
    }
}
