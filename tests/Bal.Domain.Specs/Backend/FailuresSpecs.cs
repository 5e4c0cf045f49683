using Bal.Domain.Backend;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Backend;

/// <summary>Of the failures of several addresses the most telling one counts, in whatever order they came.</summary>
public class FailuresSpecs
{
    private static readonly FailureKind[] All = Enum.GetValues<FailureKind>();

    private static readonly Arbitrary<FailureKind> Kinds = Gen.Elements(All).ToArbitrary();

    [Property]
    public Property It_depends_neither_on_order_nor_on_repetition() => Prop.ForAll(
        Kinds, Kinds, Kinds, (a, b, c) =>
        {
            Assert.Equal(Failures.MoreTelling(a, b), Failures.MoreTelling(b, a));
            Assert.Equal(
                Failures.MoreTelling(Failures.MoreTelling(a, b), c),
                Failures.MoreTelling(a, Failures.MoreTelling(b, c)));
            Assert.Equal(a, Failures.MoreTelling(a, a));
            Assert.Contains(Failures.MoreTelling(a, b), new[] { a, b });
        });

    [Fact]
    public void What_the_other_side_said_goes_before_what_keeps_this_machine_from_reaching_it()
    {
        foreach (var said in new[] { FailureKind.Timeout, FailureKind.Refused, FailureKind.Other })
            foreach (var kept in new[] { FailureKind.NoRoute, FailureKind.NotPermitted })
                Assert.Equal(said, Failures.MoreTelling(kept, said));
    }

    [Fact]
    public void A_failure_of_this_machine_says_least_of_all() =>
        Assert.All(All, kind => Assert.Equal(kind, Failures.MoreTelling(FailureKind.Local, kind)));

    [Fact]
    public void Every_kind_counts_as_one_of_four_and_has_a_word_of_its_own()
    {
        Assert.Equal(All.Length, All.Select(Failures.WordOf).Distinct().Count());
        Assert.All(All, kind => Assert.Contains(Failures.CountedAs(kind), new[]
        {
            FailureKind.Timeout, FailureKind.Refused, FailureKind.Other, FailureKind.Local,
        }));
    }
}
