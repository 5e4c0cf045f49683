using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Backend;

/// <summary>
/// A backend that has come back and does not have all of its share yet: a tenth at first, then one tenth more at a time
/// along a straight line, so that it can fill its caches before it has to work like the others.
/// <para>
/// How much it has is a function of the time alone. All steps of <paramref name="Over"/> are taken at its multiples of
/// the clock, whoever has come back when, so that a thousand backends that come back within a minute mean ten new
/// tables and not ten thousand. So the share is never further from the line than one step.
/// </para>
/// </summary>
/// <param name="Since">When it came back.</param>
/// <param name="Over">How long it takes to all of its share; above zero.</param>
/// <param name="Tenths">How many tenths of its share it has, from 1 to 9.</param>
public sealed record SlowStart(Instant Since, Duration Over, int Tenths)
{
    /// <summary>All of a share, in tenths.</summary>
    public const int Whole = 10;

    /// <summary>How much of its share it has.</summary>
    public int Percent => Tenths * 100 / Whole;

    /// <summary>When it has one tenth more.</summary>
    public Instant NextAt => HasAt(Tenths + 1);

    /// <summary>When it has all of it.</summary>
    public Instant EndsAt => HasAt(Whole);

    /// <summary>Of a backend that comes back now; none where it has all of its share at once.</summary>
    public static Option<SlowStart> Begin(Duration over, Instant now) =>
        over == Duration.Zero ? Option<SlowStart>.None : new SlowStart(now, over, 1);

    /// <summary>The same at another time; none where it has all of its share by then.</summary>
    public Option<SlowStart> At(Instant now)
    {
        var tenths = TenthsAt(now);
        return tenths == Tenths ? this : tenths < Whole ? this with { Tenths = tenths } : Option<SlowStart>.None;
    }

    /// <summary>The same where it is to take another time; none where that is over.</summary>
    public Option<SlowStart> Within(Duration over, Instant now) =>
        over == Duration.Zero ? Option<SlowStart>.None : (this with { Over = over }).At(now);

    /// <summary>How far it is, for people.</summary>
    /// <param name="percent">See <see cref="Percent"/>.</param>
    /// <param name="left">How long until <see cref="EndsAt"/>.</param>
    public static string ToText(int percent, Duration left) =>
        $"slow start: {percent} % of its share, all of it in {left.ToText()}";

    // Nine steps lead from one tenth to ten.
    private long Step => Math.Max(1, Over.Milliseconds / (Whole - 1));

    private int TenthsAt(Instant now)
    {
        var run = now.Milliseconds - (now.Milliseconds % Step) - Since.Milliseconds;
        return run <= 0 ? 1
            : run >= Over.Milliseconds ? Whole
            : 1 + (int)(((run * (Whole - 1)) + Over.Milliseconds - 1) / Over.Milliseconds);
    }

    // The first step that is later than the line is where it has one tenth less.
    private Instant HasAt(int tenths)
    {
        var after = Since.Plus(new((Over.Milliseconds * (tenths - 2) / (Whole - 1)) + 1));
        var beyond = after.Milliseconds % Step;
        return beyond == 0 || after == Instant.Never ? after : after.Plus(new(Step - beyond));
    }
}
