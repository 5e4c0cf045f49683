using System.Text;
using System.Text.Json;
using Bal.Domain.Counting;
using Bal.Domain.Recording;
using Bal.Infrastructure.Hosting;
using Bal.Integration.Documentation;
using LanguageExt;

namespace Bal.Integration.Upgrade;

/// <summary>
/// What a released version hands over is understood, and an upgrade to it is possible or refused for a reason.
/// </summary>
public class ReleasedHandoverSpecs
{
    public static TheoryData<string> Documents => new(
        Directory.EnumerateFiles(Repository.At("tests", "Fixtures"), "*.json", SearchOption.AllDirectories)
            .Where(path => Path.GetFileName(Path.GetDirectoryName(path)) == "handover")
            .Select(path => Path.GetRelativePath(Repository.At("tests", "Fixtures"), path)));

    [Theory]
    [MemberData(nameof(Documents))]
    public void Everything_that_was_counted_is_carried_over(string file)
    {
        var (json, handover) = Read(file);

        Assert.Equal(json.GetProperty("started_at").GetInt64(), handover.StartedAt.Milliseconds);
        Assert.Equal(
            json.GetProperty("services").EnumerateArray().Select(s => s.GetProperty("turn").GetUInt64()),
            handover.Services.Select(s => s.Turn));
        AssertCounted(json.GetProperty("before"), handover.Before);
        Assert.All(
            json.GetProperty("processes").EnumerateArray().Zip(handover.Processes),
            both => AssertCounted(both.Item1.GetProperty("traffic"), both.Item2.Reported));
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void What_is_handed_back_has_every_member_that_was_handed_over(string file)
    {
        var (json, handover) = Read(file);

        using var again = JsonDocument.Parse(HandoverJson.Write(handover));

        Assert.Equal(1, again.RootElement.GetProperty("format").GetInt32());
        AssertMembers(json, again.RootElement, "");
    }

    [Fact]
    public void What_a_released_version_does_not_know_is_handed_over_in_a_form_that_it_refuses()
    {
        var handover = Read("0.1.0/handover/fresh.serve.json").Handover;
        var service = handover.State.Config.Services[0] with { Name = "web" };
        var state = handover.State with { Config = handover.State.Config with { Services = Prelude.Array(service) } };

        using var written = JsonDocument.Parse(HandoverJson.Write(handover with { State = state }));
        var refusal = HandoverJson.NotUnderstood("its form is 2, and 1 is known");

        Assert.Equal(2, written.RootElement.GetProperty("format").GetInt32());
        Assert.Contains("which does not know what is in use: services", Format0_1_0.Explained(refusal, state).WhyLikely,
            StringComparison.Ordinal);
        Assert.Equal(refusal, Format0_1_0.Explained(refusal, handover.State));
        Assert.True(HandoverJson.Read(HandoverJson.Write(handover with { State = state })).IsRight);
    }

    [Fact]
    public void A_member_that_must_be_known_and_is_not_refuses_the_upgrade_and_is_named()
    {
        var text = Encoding.UTF8.GetString(HandoverJson.Write(Read("0.1.0/handover/fresh.serve.json").Handover));
        var later = text.Replace("{\"format\":1,",
            "{\"format\":2,\"must_know\":[\"state.config.services[].allow\"],", StringComparison.Ordinal);

        var problem = HandoverJson.Read(Encoding.UTF8.GetBytes(later))
            .Match(Right: _ => throw new InvalidOperationException("it was understood"), Left: p => p);

        Assert.Equal("the running bal uses 'allow', which this version does not know", problem.WhatHappened);
    }

    [Theory]
    [InlineData("{}", "format: is missing")]
    [InlineData("{\"format\":3}", "format: expected format 1 or 2; another version of bal wrote this, found 3")]
    [InlineData("[", "invalid JSON at byte 2")]
    public void What_is_not_understood_is_said(string text, string why) => Assert.Equal(
        $"the state handed over by the running bal was not understood: {why}",
        HandoverJson.Read(Encoding.UTF8.GetBytes(text)).Match(_ => "", problem => problem.WhatHappened));

    private static void AssertCounted(JsonElement json, Traffic traffic)
    {
        Assert.Equal(json.GetProperty("active").GetInt64(), traffic.Active);
        Assert.Equal(
            json.GetProperty("rejected").GetInt64(),
            traffic.Of(ServiceCounters.Of(Domain.Admission.Refusal.Limit)));
        foreach (var ended in json.GetProperty("ended").EnumerateObject())
            Assert.Equal(
                ended.Value.GetInt64(),
                traffic.Of(ServiceCounters.All.First(counter => counter.Word == ended.Name)));
        Assert.Equal(
            json.GetProperty("backends").EnumerateArray().Select(b => b.GetProperty("bytes_in").GetInt64()),
            traffic.Backends.Select(b => b.BytesIn));
    }

    private static void AssertMembers(JsonElement old, JsonElement own, string path)
    {
        if (old.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in old.EnumerateObject())
            {
                Assert.True(own.TryGetProperty(member.Name, out var its), $"{path}.{member.Name} is missing");
                AssertMembers(member.Value, its, $"{path}.{member.Name}");
            }
        }
        else if (old.ValueKind == JsonValueKind.Array)
        {
            Assert.Equal(old.GetArrayLength(), own.GetArrayLength());
            for (var i = 0; i < old.GetArrayLength(); i++)
                AssertMembers(old[i], own[i], $"{path}[{i}]");
        }
        else
        {
            Assert.Equal((path, old.ValueKind), (path, own.ValueKind));
        }
    }

    private static (JsonElement Json, Handover Handover) Read(string file)
    {
        var bytes = File.ReadAllBytes(Path.Combine(Repository.At("tests", "Fixtures"), file));
        var handover = HandoverJson.Read(bytes)
            .Match(Right: h => h, Left: p => throw new InvalidOperationException(p.WhatHappened));
        return (JsonDocument.Parse(bytes).RootElement, handover);
    }
}
