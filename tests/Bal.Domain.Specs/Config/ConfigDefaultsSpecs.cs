using Bal.Domain.Config;
using Bal.Domain.Messages;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Config;

/// <summary>The default of every key, and the range of each number; docs/configuration.md has the tables.</summary>
public class ConfigDefaultsSpecs
{
    /// <summary>Key, the auto-tuned value for 1-2, 3-5 and 6+ backends, and the least value allowed.</summary>
    public static TheoryData<string, int, int, int, int> RuntimeTable => new()
    {
        { "health_check_interval_ms", 500, 700, 1000, 1 },
        { "health_check_timeout_ms", 800, 1000, 1200, 1 },
        { "health_check_fail_threshold", 2, 2, 3, 1 },
        { "health_check_success_threshold", 1, 1, 2, 1 },
        { "backend_connect_timeout_ms", 800, 1000, 1200, 1 },
        { "failover_backoff_initial_ms", 200, 300, 500, 1 },
        { "failover_backoff_max_ms", 5000, 7000, 10000, 1 },
        { "backend_cooldown_ms", 500, 700, 1000, 0 },
        { "protection_trigger_threshold", 10, 12, 14, 1 },
        { "protection_window_ms", 30000, 30000, 30000, 1 },
        { "protection_stable_success_threshold", 12, 14, 16, 1 },
        { "max_concurrent_connections", 4000, 8000, 12000, 1 },
        { "connection_idle_timeout_ms", 3600000, 3600000, 3600000, 0 },
        { "tcp_backlog", 1024, 1024, 1024, 1 },
    };

    [Theory, MemberData(nameof(RuntimeTable))]
    public void A_runtime_key_is_auto_tuned_by_the_number_of_backends(string key, int two, int five, int many,
        int least)
    {
        Assert.InRange(least, 0, 1);
        int[] expected = [two, two, five, five, five, many, many];
        for (var backends = 1; backends <= expected.Length; backends++)
            Assert.Equal($"{expected[backends - 1]}", Printed(Draft.Valid(backends).Config())[key]);
    }

    [Theory, MemberData(nameof(RuntimeTable))]
    public void A_runtime_block_with_one_key_keeps_the_auto_tuned_value_of_every_other(
        string key, int two, int five, int many, int least)
    {
        Assert.True(two <= five && five <= many && least <= two);
        var value = two + 1;
        var draft = Draft.Valid();
        var auto = Printed(draft.Config());
        draft.Add(draft.Runtime, key, $"{value}");

        var config = draft.Config();

        Assert.Equal(Mode.Advanced, config.Mode);
        auto[key] = $"{value}";
        auto["mode"] = "advanced";
        Assert.Equal(auto, Printed(config));
    }

    [Theory, MemberData(nameof(RuntimeTable))]
    public void A_runtime_key_allows_its_range_and_nothing_beyond(string key, int two, int five, int many, int least)
    {
        Assert.Equal(two <= five, five <= many);
        Assert.Equal("out_of_range", Finding(key, $"{least - 1}")?.Code);
        Assert.Equal("out_of_range", Finding(key, "2147483648")?.Code);
        Assert.Null(Finding(key, $"{least}"));
        Assert.Null(Finding(key, "2147483647"));

        static Finding? Finding(string key, string value)
        {
            var draft = Draft.Valid();
            var at = draft.Add(draft.Runtime, key, value);
            // The bounds of each other are the business of another rule.
            if (key == "failover_backoff_max_ms")
                draft.Add(draft.Runtime, "failover_backoff_initial_ms", "1");
            if (key == "failover_backoff_initial_ms")
                draft.Add(draft.Runtime, "failover_backoff_max_ms", "2147483647");
            return draft.Validate().Findings.FirstOrDefault(f => f.At == at && f.Severity == Severity.Error);
        }
    }

    [Theory]
    [InlineData("0", null)]
    [InlineData("3000", null)]
    [InlineData("2147483647", null)]
    [InlineData("1", "out_of_range")]
    [InlineData("2999", "out_of_range")]
    [InlineData("-1", "out_of_range")]
    [InlineData("off", "invalid_integer")]
    public void The_keepalive_is_off_or_at_least_3_s(string value, string? code)
    {
        var draft = Draft.Valid();
        draft.Add(draft.Runtime, "tcp_keepalive_ms", value);

        Assert.Equal(code, draft.Validate().Findings.FirstOrDefault(f => f.Severity == Severity.Error)?.Code);
    }

    [Theory]
    [InlineData("30000", null, false)]
    [InlineData("3600000", null, false)]
    [InlineData("3600001", null, true)]
    [InlineData("0", null, true)]
    [InlineData("idle", null, false)]
    [InlineData("30000", "20000", true)]
    [InlineData("30000", "0", false)]
    [InlineData("0", "0", false)]
    public void A_half_closed_timeout_above_the_idle_timeout_is_pointed_out(string value, string? idle, bool warned)
    {
        var draft = Draft.Valid();
        var at = draft.Add(draft.Runtime, "half_closed_timeout_ms", value);
        if (idle is not null)
            draft.Add(draft.Runtime, "connection_idle_timeout_ms", idle);

        Assert.Equal(
            warned,
            draft.Validate().Findings.Exists(f => f.At == at && f.Code == "half_closed_timeout_exceeds_idle"));
    }

    [Fact]
    public void The_smallest_file_has_the_documented_defaults()
    {
        var draft = new Draft();
        draft.AddBackend("127.0.0.1", "9000");

        var printed = Printed(draft.Config());

        Assert.Equal("simple", printed["mode"]);
        Assert.Equal("9295", printed["port"]);
        Assert.Equal("0.0.0.0", printed["bind_address"]);
        Assert.Equal("round_robin", printed["method"]);
        Assert.Equal("info", printed["log_level"]);
        Assert.Equal("reject", printed["overload_policy"]);
        Assert.Equal("auto", printed["threads"]);
        Assert.Equal(Service.DefaultName, draft.Config().Services[0].Name);
    }

    [Fact]
    public void The_mode_is_inferred_from_the_runtime_block_even_from_an_empty_one()
    {
        var draft = Draft.Valid();
        draft.Top.Add(draft.Entry("runtime", draft.Scalar("")));

        Assert.Equal(Mode.Simple, Draft.Valid().Config().Mode);
        Assert.Equal(Mode.Advanced, draft.Config().Mode);
        Assert.Equal(Tuning.For(2), draft.Config().Services[0].Tuning);
    }

    [Property]
    public void Auto_tuning_goes_by_what_the_file_lists(byte count)
    {
        var backends = (count % 12) + 1;

        Assert.Equal(Tuning.For(backends), Draft.Valid(backends).Config().Services[0].Tuning);
    }

    /// <summary>Every key of the printed configuration with its value, those of runtime without their prefix.</summary>
    private static Dictionary<string, string> Printed(BalConfig config) =>
        ((RawNode.Mapping)ConfigPrinter.ToRaw(config)).Entries
            .SelectMany(entry => entry.Value is RawNode.Mapping block ? block.Entries.ToArray() : [entry])
            .Where(entry => entry.Value is RawNode.Scalar)
            .ToDictionary(entry => ((RawNode.Scalar)entry.Key).Text, entry => ((RawNode.Scalar)entry.Value).Text);
}
