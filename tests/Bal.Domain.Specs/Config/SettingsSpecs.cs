using System.Text;
using System.Text.Json;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Reload;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Json.Schema;
using LanguageExt;

namespace Bal.Domain.Specs.Config;

/// <summary>What comes from the table of settings: hints, the reload diff and the schema.</summary>
[Properties(Arbitrary = [typeof(Trees)], MaxTest = 200)]
public class SettingsSpecs
{
    private static readonly JsonSchema Schema = JsonSchema.FromText(ConfigSchema.ToJson());

    /// <summary>A mapping of the file, the keys that it may have, and a document with one more entry in it.</summary>
    private sealed record Place(string Name, Arr<string> Keys, Func<RawEntry, RawNode> With);

    private static readonly Place[] Places =
    [
        new("the top level", Settings.TopKeys, entry => Raw.Map(Backends(), entry)),
        new("runtime", Settings.Runtime.Keys.Append(Settings.ProcessRuntimeKeys),
            entry => Raw.Map(Backends(), Raw.Entry("runtime", Raw.Map(entry)))),
        new("a service", Settings.ServiceKeys,
            entry => Several(Raw.Map(Raw.Entry("port", Raw.Number(1)), Backends(), entry))),
        new("runtime of a service", Settings.Runtime.Keys, entry => Several(
            Raw.Map(Raw.Entry("port", Raw.Number(1)), Backends(), Raw.Entry("runtime", Raw.Map(entry))))),
        new("a backend", Settings.OfBackend.Keys, entry => Raw.Map(Raw.Entry("backends", Raw.List(Raw.Map(
            Raw.Entry("host", "db"), Raw.Entry("port", Raw.Number(1)), entry))))),
    ];

    [Fact]
    public void A_key_in_the_wrong_mapping_is_told_where_it_belongs()
    {
        foreach (var place in Places)
            foreach (var key in AllKeys.Where(key => !place.Keys.Contains(key)))
            {
                var finding = Assert.Single(Unknown(place, key));
                Assert.Equal($"unknown key '{key}'", finding.Message.Split(" in ")[0]);
                Assert.Equal(Settings.PlaceOf(key), finding.Hint);
            }
    }

    [Fact]
    public void Two_letters_the_wrong_way_round_are_told_the_key_that_was_meant()
    {
        foreach (var place in Places)
            foreach (var key in place.Keys)
                for (var i = 1; i < key.Length; i++)
                {
                    var typed = $"{key[..(i - 1)]}{key[i]}{key[i - 1]}{key[(i + 1)..]}";
                    if (typed != key)
                        Assert.Equal($"did you mean '{key}'?", Assert.Single(Unknown(place, typed)).Hint);
                }
    }

    /// <summary>Whatever is set to another value is in the diff, and nothing else is.</summary>
    [Property]
    public Property The_diff_names_exactly_the_keys_that_differ() => Prop.ForAll(
        Trees.AnyConfig(), Trees.AnyConfig(), Gen.Elements(true, false).ArrayOf(64).ToArbitrary(),
        (before, other, coins) =>
        {
            var turn = 0;
            var (service, from) = (before.Services[0], other.Services[0]);
            var expected = new List<string>();
            var prefix = before.IsSingle ? "" : $"services.{service.Name}.";

            var process = Mixed(Settings.Process, before, other, row => row.Key == "mode" ? null : row.Key);
            var own = Mixed(Settings.OfService, service, from, row => prefix + row.Key);
            var tuning = Mixed(Settings.Runtime, service.Tuning, from.Tuning, row => prefix + row.Key);
            var after = process with { Services = before.Services.SetItem(0, own with { Tuning = tuning }) };

            Assert.Equal(expected, SettingChanges.Between(before, after).Map(change => change.Key));
            Assert.Equal(expected.Count > 0, !ReloadDiff.Describe(before, after).IsEmpty);

            T Mixed<T>(SettingTable<T> table, T one, T two, Func<Setting<T>, string?> name) =>
                table.Rows.Fold(one, (sum, row) =>
            {
                if (!coins[turn++ % coins.Length])
                    return sum;
                if (Raw.ToText(row.Print(one)) != Raw.ToText(row.Print(two)) && name(row) is { } key)
                    expected.Add(key);
                return row.Set(sum, row.Get(two));
            });
        });

    [Fact]
    public void Only_what_the_table_says_waits_for_the_next_start() => Assert.Equal(
        new[] { "threads" }, Settings.Process.Rows.Filter(row => row.AtRestart).Map(row => row.Key));

    [Property(MaxTest = 50)]
    public void The_schema_accepts_what_is_printed(BalConfig config) =>
        Assert.True(Accepts(ConfigPrinter.ToRaw(config)), ConfigPrinter.ToYaml(config));

    [Fact]
    public void The_schema_accepts_the_short_forms_and_an_empty_runtime() => Assert.True(
        Accepts(Several(Raw.Map(
            Raw.Entry("port", Raw.Number(1)), Raw.Entry("backends", Raw.List(Raw.Text("[::1]:1"), Raw.Text("db:2"))),
            Raw.Entry("bind_address", Raw.List(Raw.Text("0.0.0.0"), Raw.Text("::"))),
            Raw.Entry("runtime", Raw.Null)))));

    [Fact]
    public void The_schema_refuses_a_key_where_it_does_not_belong_or_that_does_not_exist()
    {
        foreach (var place in Places)
            foreach (var key in AllKeys.Append("x").Where(key => !place.Keys.Contains(key)))
                Assert.False(Accepts(place.With(Raw.Entry(key, Raw.Number(1)))), $"{key} in {place.Name}");
    }

    [Fact]
    public void The_schema_refuses_services_beside_the_keys_of_one_and_a_service_without_a_port()
    {
        var service = Raw.Map(Raw.Entry("port", Raw.Number(1)), Backends());

        Assert.True(Accepts(Several(service)));
        Assert.False(Accepts(Several(Raw.Map(Backends()))));
        Assert.False(Accepts(Raw.Map(Backends(), Raw.Entry("services", Raw.Map(Raw.Entry("a", service))))));
        Assert.False(Accepts(Raw.Map(Raw.Entry("services", Raw.Map(Raw.Entry("A", service))))));
        Assert.False(Accepts(Raw.Map(Raw.Entry("port", Raw.Number(1)))));
    }

    [Fact]
    public void Every_key_of_the_schema_has_its_sentence()
    {
        foreach (var table in new[] { Settings.Process.Rows.Map(Says), Settings.OfService.Rows.Map(Says),
            Settings.OfBackend.Rows.Map(Says), Settings.Runtime.Rows.Map(Says) })
            Assert.All(table, meaning => Assert.Matches("^[A-Z].*\\.$", meaning));

        static string Says<T>(Setting<T> row) => row.Meaning;
    }

    private static IEnumerable<Finding> Unknown(Place place, string key) => ConfigValidation
        .Validate(place.With(Raw.Entry(key, Raw.Number(1))), HostFacts.Unknown).Findings
        .Filter(f => f.Code == "unknown_key");

    private static IEnumerable<string> AllKeys => Places.SelectMany(place => place.Keys).Distinct();

    private static RawEntry Backends() => Raw.Entry("backends", Raw.List(Raw.Text("10.0.0.1:9000")));

    private static RawNode Several(RawNode service) => Raw.Map(Raw.Entry("services", Raw.Map(Raw.Entry("a", service))));

    private static bool Accepts(RawNode document)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
            Raw.Write(json, document);
        using var read = JsonDocument.Parse(Encoding.UTF8.GetString(stream.ToArray()));
        return Schema.Evaluate(read.RootElement).IsValid;
    }
}
