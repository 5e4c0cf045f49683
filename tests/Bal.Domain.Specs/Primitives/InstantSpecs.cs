using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Primitives;

/// <summary>Time as every machine reckons with it: nothing is negative, and nothing overflows.</summary>
[Properties(Arbitrary = [typeof(Values)])]
public class InstantSpecs
{
    [Property]
    public void A_span_added_is_the_time_that_has_passed_since(Instant at, Duration span)
    {
        var later = at.Plus(span);

        if (later != Instant.Never)
            Assert.Equal(span, later.Since(at));
    }

    [Property]
    public void Beyond_all_time_is_never(Instant at) =>
        Assert.Equal(Instant.Never, at.Plus(new Duration(long.MaxValue)));

    [Property]
    public void No_time_has_passed_since_what_lies_ahead(Instant a, Instant b) =>
        Assert.Equal(Duration.Zero, Instant.Min(a, b).Since(Instant.Max(a, b)));

    [Property]
    public void What_is_due_stays_due_and_is_due_at_its_own_moment(Instant at, Duration span)
    {
        Assert.True(at.IsDue(at));
        Assert.True(at.IsDue(at.Plus(span)));
        Assert.Equal(span == Duration.Zero, at.Plus(span).IsDue(at));
    }

    [Property]
    public void Of_two_instants_and_of_two_spans_one_is_the_earlier_and_the_shorter(
        Instant a, Instant b, Duration c, Duration d)
    {
        Assert.Equal(new[] { a, b }.Order(), [Instant.Min(a, b), Instant.Max(a, b)]);
        Assert.True(Duration.Min(c, d).Milliseconds <= Duration.Max(c, d).Milliseconds);
        Assert.Equal(new[] { c, d }.ToHashSet(), [Duration.Min(c, d), Duration.Max(c, d)]);
    }

    [Property]
    public void A_span_times_over_is_that_long_or_the_longest(Duration span, byte factor) =>
        Assert.Equal(
            Int128.Min(long.MaxValue, (Int128)span.Milliseconds * factor), span.Times(factor).Milliseconds);

    [Theory]
    [InlineData(0, "0 ms")]
    [InlineData(999, "999 ms")]
    [InlineData(1_000, "1 s")]
    [InlineData(2_599, "2.5 s")]
    [InlineData(60_000, "1 min 0 s")]
    [InlineData(3_599_999, "59 min 59 s")]
    [InlineData(3_600_000, "1 h 0 min")]
    [InlineData(90_000_000, "25 h 0 min")]
    public void A_span_is_said_in_units_that_can_be_read(long milliseconds, string said) =>
        Assert.Equal(said, new Duration(milliseconds).ToText());
}
