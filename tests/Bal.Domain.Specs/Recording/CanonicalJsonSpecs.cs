using System.Text;
using Bal.Domain.Control;
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
        var states = Shapes.Of<ControlState>();

        AllDifferent(states.Select(Text));
        Assert.All(states, s => Assert.Equal(s, ReadState(Text(s))));
    }

    [Fact]
    public void No_member_of_an_event_is_left_out()
    {
        var events = Shapes.Of<ControlEvent>();

        AllDifferent(events.Select(Text));
        Assert.All(events, e => Assert.Equal(e, ReadEvent(Text(e))));
    }

    [Fact]
    public void No_member_of_an_effect_is_left_out() => AllDifferent(Shapes.Of<ControlEffect>().Select(Text));

    [Property]
    public void A_damaged_text_is_a_fault_or_another_state_and_never_throws(Scenario scenario, ushort at, byte what)
    {
        var text = Encoding.UTF8.GetBytes(Text(Life.Of(scenario, _ => { })));
        text[at % text.Length] = what;

        _ = CanonicalJson.Parse(text, CanonicalJson.ReadState).Match(
            Right: state => ControlMachine.Step(Life.Tick, Life.Birth, state).State.ConfigVersion,
            Left: fault => fault.ToText().Length);
    }

    [Property]
    public void A_text_that_is_cut_is_a_fault(Scenario scenario, ushort at)
    {
        var text = Encoding.UTF8.GetBytes(Text(Life.Of(scenario, _ => { })));

        Assert.True(CanonicalJson.Parse(text.AsMemory(0, at % text.Length), CanonicalJson.ReadState).IsLeft);
    }

    [Theory]
    [InlineData("null", "an object belongs here")]
    [InlineData("{}", "kind: is missing")]
    [InlineData("{\"kind\":\"never\"}", "kind: the name of an event belongs here")]
    [InlineData("{\"kind\":\"clients_rejected\",\"total\":-1}", "total: a number from 0 belongs here")]
    [InlineData("{\"kind\":\"clients_rejected\",\"total\":1.5}", "total: a whole number belongs here")]
    [InlineData("{\"kind\":\"connects_succeeded\",\"backend\":1,\"count\":0}",
        "count: a number from 1 to 2147483647 belongs here")]
    [InlineData("{\"kind\":\"resolved\",\"name\":\"db\",\"addresses\":[\"10.0.0.1\",\"x\"]}",
        "addresses[1]: an IP address belongs here")]
    [InlineData("{\"kind\":\"resolved\",\"name\":\"\\ud800\",\"addresses\":[]}",
        "name: a text of whole Unicode characters belongs here")]
    public void A_fault_names_the_member_and_what_belongs_there(string text, string fault) => Assert.Equal(
        fault,
        CanonicalJson.Parse(Encoding.UTF8.GetBytes(text), CanonicalJson.ReadEvent).Match(_ => "", f => f.ToText()));

    private static void AllDifferent(IEnumerable<string> texts) =>
        Assert.Empty(texts.GroupBy(text => text).Where(same => same.Count() > 1).Select(same => same.Key));

    private static string Text(ControlState state) => Text(json => CanonicalJson.Write(json, state));

    private static string Text(ControlEvent happened) => Text(json => CanonicalJson.Write(json, happened));

    private static string Text(ControlEffect effect) => Text(json => CanonicalJson.Write(json, effect));

    private static string Text(Action<System.Text.Json.Utf8JsonWriter> write) =>
        Encoding.UTF8.GetString(CanonicalJson.Bytes(write));

    private static ControlState ReadState(string text) => Right(text, CanonicalJson.ReadState);

    private static ControlEvent ReadEvent(string text) => Right(text, CanonicalJson.ReadEvent);

    private static T Right<T>(string text, Func<System.Text.Json.JsonElement, Either<CodecFault, T>> read) =>
        CanonicalJson.Parse(Encoding.UTF8.GetBytes(text), read)
            .Match(Right: value => value, Left: fault => throw new InvalidOperationException(fault.ToText()));
}
