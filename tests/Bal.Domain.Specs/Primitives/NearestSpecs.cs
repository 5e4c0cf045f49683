using Bal.Domain.Primitives;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Primitives;

public class NearestSpecs
{
    private static readonly Arr<string> Commands =
        Prelude.Array("check", "doctor", "status", "start", "stop", "graceful", "demo");

    [Theory]
    [InlineData("chekc", "check")]
    [InlineData("doktor", "doctor")]
    [InlineData("Status", "status")]
    [InlineData("strat", "start")]
    [InlineData("grace", "graceful")]
    [InlineData("stopp", "stop")]
    public void A_slip_suggests_the_word_that_was_meant(string typed, string meant) =>
        Assert.Equal(Option<string>.Some(meant), Nearest.To(typed, Commands));

    [Theory]
    [InlineData("")]
    [InlineData("kubernetes")]
    [InlineData("xyz")]
    public void What_is_too_far_from_every_word_suggests_nothing(string typed) =>
        Assert.Equal(Option<string>.None, Nearest.To(typed, Commands));

    [Property]
    public void The_distance_is_symmetric_zero_for_equals_and_bounded_by_the_longer_word(NonNull<string> a,
        NonNull<string> b)
    {
        Assert.Equal(Nearest.Distance(a.Get, b.Get), Nearest.Distance(b.Get, a.Get));
        Assert.Equal(0, Nearest.Distance(a.Get, a.Get));
        Assert.InRange(Nearest.Distance(a.Get, b.Get), 0, Math.Max(a.Get.Length, b.Get.Length));
    }

    [Property]
    public Property Swapping_two_neighbours_is_one_slip() => Prop.ForAll(
        Gen.Elements("backends", "bind_address", "failover_backoff_max_ms").Zip(Gen.Choose(0, 6)).ToArbitrary(),
        pick =>
        {
            var (word, at) = pick;
            var letters = word.ToCharArray();
            (letters[at], letters[at + 1]) = (letters[at + 1], letters[at]);
            Assert.InRange(Nearest.Distance(word, new string(letters)), 0, 1);
        });

    [Property]
    public void A_word_is_looked_up_as_long_as_it_has_64_characters_at_most(byte length)
    {
        var typed = new string('a', 1 + length % (2 * Nearest.MaxLength));

        Assert.Equal(typed.Length <= Nearest.MaxLength, Nearest.To(typed, Prelude.Array(typed)).IsSome);
    }

    [Theory]
    [InlineData(Nearest.MaxLength, true)]
    [InlineData(Nearest.MaxLength + 1, false)]
    public void The_longest_word_that_gets_a_suggestion_has_64_characters(int length, bool suggests) =>
        Assert.Equal(suggests, Nearest.To(new string('a', length), Prelude.Array(new string('a', length))).IsSome);

    [Fact]
    public void A_very_long_word_suggests_nothing_and_costs_nothing() =>
        Assert.Equal(Option<string>.None, Nearest.To(new string('a', 10_000_000), Commands));
}
