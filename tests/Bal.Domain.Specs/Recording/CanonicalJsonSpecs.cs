using System.Text;
using Bal.Domain.Admission;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Recording;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Recording;

/// <summary>What is recorded says everything, and says it in one way only.</summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class CanonicalJsonSpecs
{
    [Property]
    public void Every_state_of_every_life_is_read_back_as_it_was(Scenario scenario) => Life.Of(scenario, o =>
    {
        var text = Text(o.After.State);
        var back = ReadState(text);

        Assert.Equal(o.After.State, back);
        Assert.Equal(text, Text(back));
    });

    [Property]
    public void Every_event_of_every_life_is_read_back_as_it_was(Scenario scenario) => Life.Of(scenario, o =>
    {
        var text = Text(o.Happened);
        var back = ReadEvent(text);

        Assert.Equal(o.Happened, back);
        Assert.Equal(text, Text(back));
    });

    [Property]
    public void Two_states_of_a_life_have_the_same_text_only_if_they_are_equal(Scenario scenario) =>
        Life.Of(scenario, o => Assert.Equal(o.Before == o.After.State, Text(o.Before) == Text(o.After.State)));

    [Fact]
    public void No_member_of_the_state_is_left_out()
    {
        var states = Shapes.Of<ControlState>().Select(s => s with
        {
            // One notice for each reason, and an index that follows from the rest, as in every real state.
            Services = s.Services.Map(service => service with
            {
                Refusals = OfEachReason(service.Refusals, Refusals.None),
                Silenced = OfEachReason(service.Silenced, Silences.None),
            }),
        }).Select(s => s with { Index = StateIndex.Of(s.Services.Values, s.Phase.IsHandedOver) }).ToList();

        AllDifferent(states.Select(Text));
        Assert.All(states, s => Assert.Equal(s, ReadState(Text(s))));
    }

    [Fact]
    public void No_member_of_an_event_is_left_out()
    {
        var events = Shapes.Of<ControlEvent>().Where(e =>
            e is not ControlEvent.ConnectionsSilenced silenced || Silences.All.Contains(silenced.Reason)).ToList();

        AllDifferent(events.Select(Text));
        Assert.All(events, e => Assert.Equal(e, ReadEvent(Text(e))));
    }

    [Fact]
    public void An_event_of_an_unknown_kind_is_a_fault_that_names_the_known_ones() => Assert.StartsWith(
        "kind: expected one of tick, probe_ended,",
        CanonicalJson.Read(CanonicalJson.Event, "{\"kind\":\"never\"}"u8.ToArray()).Match(_ => "", f => f.ToText()),
        StringComparison.Ordinal);

    [Fact]
    public void No_member_of_an_effect_is_left_out() => AllDifferent(Shapes.Of<ControlEffect>().Select(Text));

    [Property]
    public void A_damaged_text_is_a_fault_or_another_state_and_never_throws(Scenario scenario, ushort at, byte what)
    {
        var text = Encoding.UTF8.GetBytes(Text(Life.Of(scenario, _ => { })));
        text[at % text.Length] = what;

        _ = CanonicalJson.Read(CanonicalJson.State, text).Match(
            Right: state => ControlMachine.Step(Life.Tick, Life.Birth, state).State.ConfigVersion,
            Left: fault => fault.ToText().Length);
    }

    [Property]
    public void A_text_that_is_cut_is_a_fault(Scenario scenario, ushort at)
    {
        var text = Encoding.UTF8.GetBytes(Text(Life.Of(scenario, _ => { })));

        Assert.True(CanonicalJson.Read(CanonicalJson.State, text.AsMemory(0, at % text.Length)).IsLeft);
    }

    [Theory]
    [InlineData("null", "expected an object, found null")]
    [InlineData("{}", "kind: is missing")]
    [InlineData("{\"kind\":\"resolved\",\"name\":7,\"addresses\":[]}", "name: expected a string, found 7")]
    [InlineData("{\"kind\":\"reports_lost\",\"total\":-1}", "total: expected an integer from 0, found -1")]
    [InlineData("{\"kind\":\"reports_lost\",\"total\":1.5}", "total: expected an integer from 0, found 1.5")]
    [InlineData("{\"kind\":\"connects_succeeded\",\"backend\":1,\"count\":0}",
        "count: expected an integer from 1 to 2147483647, found 0")]
    [InlineData("{\"kind\":\"resolved\",\"name\":\"db\",\"addresses\":[\"10.0.0.1\",\"x\"]}",
        "addresses[1]: expected an IP address, found \"x\"")]
    [InlineData("{\"kind\":\"resolved\",\"name\":\"\\ud800\",\"addresses\":[]}",
        "name: expected a string, found \"\\ud800\"")]
    [InlineData("{\"kind\":", "invalid JSON at byte 9")]
    public void A_fault_names_the_member_and_what_was_expected_there(string text, string fault) => Assert.Equal(
        fault,
        CanonicalJson.Read(CanonicalJson.Event, Encoding.UTF8.GetBytes(text)).Match(_ => "", f => f.ToText()));

    private static Arr<Notice> OfEachReason(Arr<Notice> some, Arr<Notice> none) =>
        new(none.Select((nothing, i) => i < some.Count ? some[i] : nothing));

    private static void AllDifferent(IEnumerable<string> texts) =>
        Assert.Empty(texts.GroupBy(text => text).Where(same => same.Count() > 1).Select(same => same.Key));

    private static string Text(ControlState state) => Text(CanonicalJson.State, state);

    private static string Text(ControlEvent happened) => Text(CanonicalJson.Event, happened);

    private static string Text(ControlEffect effect) => Text(CanonicalJson.Effect, effect);

    private static string Text<T>(Codec<T> codec, T value) =>
        Encoding.UTF8.GetString(CanonicalJson.Bytes(codec, value));

    private static ControlState ReadState(string text) => Read(CanonicalJson.State, text);

    private static ControlEvent ReadEvent(string text) => Read(CanonicalJson.Event, text);

    private static T Read<T>(Codec<T> codec, string text) where T : class =>
        CanonicalJson.Read(codec, Encoding.UTF8.GetBytes(text))
            .Match(Right: value => value, Left: fault => throw new InvalidOperationException(fault.ToText()));
}
