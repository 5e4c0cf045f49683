using System.Text;
using System.Text.Json;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;
using Bal.Domain.Specs.Control;

namespace Bal.Domain.Specs.Recording;

/// <summary>An upgrade from a released version goes on with everything that it knew, and can be taken back.</summary>
public class ReleasedStateSpecs
{
    public static TheoryData<string> Documents => Released.Files("handover", ".json");

    [Theory]
    [MemberData(nameof(Documents))]
    public void Backends_are_known_as_they_were(string file)
    {
        var (json, state) = Read(file);

        Assert.All(json.GetProperty("services").EnumerateArray(), its =>
        {
            var service = state.ServiceNamed(its.GetProperty("config").GetProperty("name").GetString()!).Single();
            Assert.Equal(new ServiceId(1), service.Id);
            Assert.Equal(
                its.GetProperty("backends").EnumerateArray().Select(Summary),
                service.Backends.Values.Select(Summary));
        });
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void The_loops_would_be_told_what_they_knew(string file)
    {
        var (json, state) = Read(file);

        Assert.All(json.GetProperty("services").EnumerateArray().Zip(state.InOrder), both =>
        {
            var (table, own) = (both.Item1.GetProperty("table"), Publishing.TableOf(both.Item2));
            Assert.Equal(Ids(table, "up"), own.Up.Select(route => route.Id.Value));
            Assert.Equal(Ids(table, "cooling"), own.Cooling.Select(route => route.Id.Value));
            Assert.Equal(Ids(table, "down"), own.Down.Select(route => route.Id.Value));
            Assert.Equal(
                table.GetProperty("draining").EnumerateArray().Select(id => id.GetInt32()),
                own.Draining.Select(id => id.Value));
            Assert.Equal(table.GetProperty("protection").GetBoolean(), own.Protection);
        });
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void What_was_said_is_not_said_again(string file)
    {
        var (json, state) = Read(file);
        var told = state.InOrder[0].Refusals;

        Assert.Equal(json.GetProperty("overload").GetProperty("seen").GetInt64(), told[0].Seen);
        Assert.Equal(json.GetProperty("exhaustion").GetProperty("seen").GetInt64(), told[1].Seen);
        Assert.Equal(json.GetProperty("refused").ValueKind != JsonValueKind.Null, state.Refused.IsSome);
        Assert.Equal(json.GetProperty("config_version").GetInt64(), state.ConfigVersion);
        Assert.Equal(json.GetProperty("next_backend_id").GetInt32(), state.NextBackendId);
        Assert.Equal(2, state.NextServiceId);
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void The_machine_goes_on_from_there(string file)
    {
        var now = new Instant(10_000_000);

        var adopted = ControlMachine.Adopt(now, Read(file).State).State;
        var ticked = ControlMachine.Step(Life.Tick, now.Plus(new Duration(60_000)), adopted);

        Assert.All(
            adopted.InOrder.Bind(service => new LanguageExt.Arr<BackendState>(service.Backends.Values))
                .Filter(b => !b.Draining),
            backend => Assert.Contains(ticked.Effects, effect =>
                effect is ControlEffect.StartProbe probe && probe.Backend == backend.Id
                || backend.Addresses.IsEmpty && effect is ControlEffect.Resolve));
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void The_version_that_wrote_a_state_finds_every_member_in_it_again(string file)
    {
        var (json, state) = Read(file);

        var again = JsonDocument.Parse(CanonicalJson.Bytes(Format0_1_0.State, state)).RootElement;

        Assert.Equal(1, Format0_1_0.FormatOf(state));
        AssertHolds(json, again, "state");
    }

    private static void AssertHolds(JsonElement old, JsonElement own, string path)
    {
        if (old.ValueKind == JsonValueKind.Object)
            Assert.All(old.EnumerateObject(), member =>
            {
                Assert.True(own.TryGetProperty(member.Name, out var its), $"{path}.{member.Name} is missing");
                // Only the event loops of one process count tables.
                if (member.Name != "version")
                    AssertHolds(member.Value, its, $"{path}.{member.Name}");
            });
        else if (old.ValueKind == JsonValueKind.Array)
        {
            Assert.Equal(old.GetArrayLength(), own.GetArrayLength());
            for (var i = 0; i < old.GetArrayLength(); i++)
                AssertHolds(old[i], own[i], $"{path}[{i}]");
        }
        else
            Assert.Equal((path, old.GetRawText()), (path, own.GetRawText()));
    }

    private static string Summary(JsonElement backend) =>
        $"{backend.GetProperty("id")} {backend.GetProperty("endpoint").GetProperty("host")}"
        + $":{backend.GetProperty("endpoint").GetProperty("port")}"
        + $" {(backend.GetProperty("health").GetProperty("up").GetBoolean() ? "up" : "down")}"
        + $" {backend.GetProperty("health").GetProperty("failures")} "
        + $"{backend.GetProperty("health").GetProperty("successes")}"
        + $" cooldown {backend.GetProperty("cooldown").GetProperty("streak")} "
        + $"{backend.GetProperty("cooldown").GetProperty("until")}"
        + $" timeout {backend.GetProperty("failures").GetProperty("timeout")}"
        + $" refused {backend.GetProperty("failures").GetProperty("refused")}"
        + $" other {backend.GetProperty("failures").GetProperty("other")}"
        + $" entries {backend.GetProperty("history").GetProperty("recent").GetArrayLength()}"
        + $" draining {(backend.GetProperty("draining").GetBoolean() ? "yes" : "no")}";

    private static string Summary(BackendState backend) =>
        $"{backend.Id.Value} {backend.Endpoint.Host}:{backend.Endpoint.Port}"
        + $" {(backend.Health.Up ? "up" : "down")} {backend.Health.Failures} {backend.Health.Successes}"
        + $" cooldown {backend.Cooldown.Streak} {backend.Cooldown.Until.Milliseconds}"
        + $" timeout {backend.Failures.Timeout} refused {backend.Failures.Refused} other {backend.Failures.Other}"
        + $" entries {backend.History.Recent.Count} draining {(backend.Draining ? "yes" : "no")}";

    private static IEnumerable<int> Ids(JsonElement table, string tier) =>
        table.GetProperty(tier).EnumerateArray().Select(route => route.GetProperty("id").GetInt32());

    private static (JsonElement Json, ControlState State) Read(string file)
    {
        var json = Released.Json(file).GetProperty("state");
        var state = CanonicalJson.Read(Format0_1_0.State, Encoding.UTF8.GetBytes(json.GetRawText()))
            .Match(Right: s => s, Left: fault => throw new InvalidOperationException(fault.ToText()));
        return (json, state);
    }
}
