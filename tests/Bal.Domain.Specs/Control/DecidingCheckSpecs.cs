using System.Text;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;
using Bal.Domain.Reports;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Control;

/// <summary>A check that asks alone says what is up (docs/behaviour.md, Health checks that ask).</summary>
public class DecidingCheckSpecs
{
    private static readonly Instant Soon = Life.Birth.Plus(new(10));

    private static readonly Outcome Wrong =
        new Outcome.Failed(FailureKind.WrongAnswer) { Answer = "expected role:master, got role:slave" };

    [Fact]
    public void Backends_start_down_and_the_first_answer_decides()
    {
        var start = Life.At(Life.Birth, Config(Redis("secret")));
        Assert.All(start.Backends(), backend => Assert.True(StatusReports.IsNotChecked(backend)));

        var after = start.Then(Soon, Life.Tick, Ended(1, Outcome.Success), Ended(2, Wrong));

        Assert.True(after.Backend(1).Health.Up);
        Assert.False(after.Backend(2).Health.Up);
        Assert.False(StatusReports.IsNotChecked(after.Backend(2)));
        Assert.Equal("expected role:master, got role:slave", after.Backend(2).Probe.Answer);
        Assert.True(after.Backend(2).History.LastOutage.IsSome);
    }

    [Fact]
    public void What_this_machine_could_not_ask_is_no_answer()
    {
        var state = Life.At(Life.Birth, Config(Redis("secret")))
            .Then(Soon, Life.Tick, Ended(1, Outcome.Failure(FailureKind.Local)));
        Assert.True(StatusReports.IsNotChecked(state.Backend(1)));
    }

    [Fact]
    public void Connects_for_clients_say_nothing_of_health_but_a_failed_one_cools_down()
    {
        var up = Life.At(Life.Birth, Config(Redis("secret"))).Then(Soon, Life.Tick, Ended(1, Outcome.Success));
        var failed = up.Then(Soon, new ControlEvent.ConnectsFailed(new BackendId(1), FailureKind.Refused, 50));
        Assert.True(failed.Backend(1).Health.Up);
        Assert.Equal(Tier.Cooling, failed.Backend(1).Tier);
        Assert.Equal(up.Backend(1).Health, failed.Backend(1).Health);

        var streak = up.Then(Soon.Plus(new(5_000)), Life.Tick, Ended(1, Outcome.Failure(FailureKind.Timeout)));
        Assert.Equal(1, streak.Backend(1).Health.Failures);
        var succeeded = new ControlEvent.ConnectsSucceeded(new BackendId(1), 9);
        Assert.Equal(1, streak.Then(Soon, succeeded).Backend(1).Health.Failures);
        Assert.False(Life.At(Life.Birth, Config(Redis("secret")), succeeded).Backend(1).Health.Up);
    }

    [Property]
    public void Whatever_happens_to_clients_health_is_what_the_checks_say(bool[] clients, bool[] checks)
    {
        var (state, now, asked) = (Life.At(Life.Birth, Config(Redis("secret"))), Soon, 0);
        foreach (var succeeds in clients)
        {
            var before = state.Backend(1).Health;
            state = state.Then(now, succeeds
                ? new ControlEvent.ConnectsSucceeded(new BackendId(1), 3)
                : new ControlEvent.ConnectsFailed(new BackendId(1), FailureKind.Timeout, 3));
            Assert.Equal(before, state.Backend(1).Health);
            if (asked == checks.Length)
                continue;
            now = now.Plus(new(5_000));
            state = state.Then(now, Life.Tick, Ended(1, checks[asked++] ? Outcome.Success : Wrong));
        }
    }

    [Fact]
    public void A_backend_that_answered_wrongly_is_no_last_resort_until_it_answers_rightly()
    {
        var none = Life.At(Life.Birth, Config(Redis("secret")))
            .Then(Soon, Life.Tick, Ended(1, Wrong), Ended(2, Outcome.Failure(FailureKind.Refused)));
        Assert.Equal([2], Offered(none));

        var silent = none.Then(Soon.Plus(new(9_000)), Life.Tick, Ended(1, Outcome.Failure(FailureKind.Timeout)));
        Assert.Equal([2], Offered(silent));
        var right = silent.Then(Soon.Plus(new(20_000)), Life.Tick, Ended(1, Outcome.Success));
        Assert.Contains(1, Offered(right));
    }

    [Fact]
    public void A_reload_that_changes_the_check_keeps_the_state_until_its_first_answer()
    {
        var before = Life.At(Life.Birth, Config(Redis("secret")))
            .Then(Soon, Life.Tick, Ended(1, Outcome.Success), Ended(2, Wrong));
        var later = Soon.Plus(new(9_000));
        var reloaded = before.Then(later, Life.Tick, new ControlEvent.Reloaded(Config(Http())));
        Assert.True(reloaded.Backend(1).Health.Up);
        Assert.False(reloaded.Backend(2).Health.Up);

        // What was under way asked something else.
        var stale = reloaded.Then(later, Ended(1, Wrong), Ended(2, Outcome.Success));
        Assert.True(stale.Backend(1).Health.Up);
        Assert.False(stale.Backend(2).Health.Up);
        var decided = stale.Then(later, Life.Tick, Ended(1, Wrong), Ended(2, Outcome.Success));
        Assert.False(decided.Backend(1).Health.Up);
        Assert.True(decided.Backend(2).Health.Up);
    }

    [Fact]
    public void Another_secret_of_the_same_length_is_said_to_have_changed_and_decides_anew()
    {
        var before = Life.At(Life.Birth, Config(Redis("secret"))).Then(Soon, Life.Tick, Ended(1, Outcome.Success));
        var config = Config(Redis("sEcret"));
        var others = SecretChanges.Between(before, config);
        Assert.Equal(Prelude.Array(new BackendId(1), new BackendId(2)), others);
        Assert.Empty(SecretChanges.Between(before, Config(Redis("secret"))));

        var reloaded = before.Then(Soon, new ControlEvent.Reloaded(config) { OtherSecrets = others });
        Assert.False(reloaded.Backend(1).Health.Reached);
        Assert.Equal(
            "backends[10.0.0.1:1].health_check (what is sent) (31 bytes) -> changed",
            SecretChanges.Told(others, before)[0].ToText());
        Assert.Equal(
            SecretChanges.Told(others, before),
            ReloadPreviews.Of(config, Traffic.None, before).Settings);
    }

    [Fact]
    public void What_a_check_says_is_neither_recorded_nor_printed_and_is_handed_over_beside_the_state()
    {
        var config = Config(Redis("hunter22"));
        var state = Life.At(Life.Birth, config);
        var probe = ControlMachine.Step(Life.Tick, Soon, state).Effects.OfType<ControlEffect.StartProbe>().First();
        var written = CanonicalJson.Bytes(CanonicalJson.State, state);
        foreach (var text in new[]
        {
            Encoding.UTF8.GetString(written),
            Encoding.UTF8.GetString(CanonicalJson.Bytes(CanonicalJson.Effect, probe)),
            Encoding.UTF8.GetString(
                CanonicalJson.Bytes(CanonicalJson.Event, new ControlEvent.Reloaded(config))),
            ConfigPrinter.ToYaml(config), $"{config}", $"{probe}",
        })
        {
            Assert.DoesNotContain("hunter22", text, StringComparison.Ordinal);
            Assert.DoesNotContain("68756e74", text, StringComparison.OrdinalIgnoreCase);
        }

        var secrets = CheckSecrets.Of(state);
        var read = CanonicalJson.Read(CheckSecrets.Taking(CanonicalJson.State, secrets), written);
        var got = read.Match(Right: s => s, Left: fault => throw new InvalidOperationException(fault.ToText()));
        Assert.Equal(secrets, CheckSecrets.Of(got));
        Assert.NotEmpty(secrets.Filter(octets => octets.ToString().Contains("hunter22", StringComparison.Ordinal)));
        Assert.True(CanonicalJson.Read(
            CheckSecrets.Taking(CanonicalJson.State, secrets.RemoveAt(0)), written).IsLeft);
    }

    [Fact]
    public void It_is_asked_every_two_seconds_and_has_one_and_a_half_where_the_file_says_nothing()
    {
        var health = Config(Http()).Main.Tuning.Health;
        Assert.Equal(new Duration(2_000), health.Interval);
        Assert.Equal(new Duration(1_500), health.Timeout);
        Assert.Equal(new Duration(500), Config(Raw.Map(Raw.Entry("type", "tcp"))).Main.Tuning.Health.Interval);
    }

    [Fact]
    public void A_request_names_the_host_that_it_is_sent_to()
    {
        var probe = ControlMachine.Step(Life.Tick, Soon, Life.At(Life.Birth, Config(Http())))
            .Effects.OfType<ControlEffect.StartProbe>().First();
        Assert.Equal("10.0.0.1:8008", probe.Check.Http.Host);
    }

    private static IEnumerable<int> Offered(ControlState state) =>
        Publishing.TableOf(state.InOrder[0]).All.Select(route => route.Id.Value);

    private static ControlEvent Ended(int backend, Outcome outcome) => new ControlEvent.ProbeEnded(
        new BackendId(backend), outcome, Option<System.Net.IPAddress>.None);

    private static RawNode Redis(string password) => Raw.Map(
        Raw.Entry("type", "exchange"),
        Raw.Entry("exchange", Raw.List(Raw.Map(
            Raw.Entry("send", $"AUTH {password}\\r\\nINFO replication\\r\\n"), Raw.Entry("expect", "role:master")))));

    private static RawNode Http() => Raw.Map(
        Raw.Entry("type", "http"), Raw.Entry("port", Raw.Number(8008)), Raw.Entry("path", "/primary?token=abc"));

    private static BalConfig Config(RawNode check) => ConfigValidation.Validate(
        Raw.Map(
            Raw.Entry("health_check", check),
            Raw.Entry("backends", Raw.List(Raw.Text("10.0.0.1:1"), Raw.Text("10.0.0.2:1")))), HostFacts.Unknown)
        .Config.Match(config => config, () => throw new InvalidOperationException("it is not valid"));
}
