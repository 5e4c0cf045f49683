using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Reload;
using Bal.Domain.Reports;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Reload;

/// <summary>What <c>bal graceful --dry-run</c> says agrees with what a reload then does.</summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class ReloadPreviewSpecs
{
    private static readonly Instant Now = new(10_000_000);

    [Property]
    public void What_it_says_of_backends_and_services_is_what_a_reload_does_with_them(SteadyFleet past, Fleet next)
    {
        var before = Past(past);
        var said = ReloadPreviews.Of(next.Config, Traffic.None, before);

        var after = before.Then(Now, new ControlEvent.Reloaded(next.Config));

        var (had, has) = (Serving(before), Serving(after));
        var several = before.Config.Services.Count > 1 || next.Config.Services.Count > 1;
        IEnumerable<string> Names(IEnumerable<(ServiceState Service, BackendState Backend)> backends) => backends
            .Select(b => several ? $"{b.Service.Config.Name}/{b.Backend.Endpoint}" : b.Backend.Endpoint.ToString());
        bool IsIn((ServiceState Service, BackendState Backend)[] others, BackendState backend) =>
            others.Any(o => o.Backend.Id == backend.Id);
        Assert.Equal(Names(has.Where(b => IsIn(had, b.Backend))), said.Kept);
        Assert.Equal(Names(has.Where(b => !IsIn(had, b.Backend))), said.Added);
        Assert.Equal(Names(had.Where(b => !IsIn(has, b.Backend))), said.Removed.Map(b => b.Name));
        Assert.Equal(
            after.InOrder.Filter(s => !s.Removed && !before.Services.ContainsKey(s.Id.Value)).Map(s => s.Config.Name),
            said.AddedServices);
        Assert.Equal(
            before.InOrder.Filter(s => !s.Removed && after.Services[s.Id.Value].Removed).Map(s => s.Config.Name),
            said.RemovedServices);
        Assert.Equal(
            before.InOrder.Filter(s => !s.Removed)
                .Map(s => (Old: s.Config.Name, New: after.Services[s.Id.Value]))
                .Filter(pair => !pair.New.Removed && pair.New.Config.Name != pair.Old)
                .Map(pair => $"{pair.New.Config.Name}: renamed from {pair.Old}"),
            said.RenamedServices);
    }

    [Property]
    public void The_connections_that_would_drain_are_those_of_the_backend_that_goes(SteadyFleet past, Fleet next)
    {
        var before = Past(past);
        // As many as its identity says, so that no two are alike.
        var traffic = Traffic.None with
        {
            Backends = new Arr<BackendTraffic>(before.Backends().Select(b =>
                BackendTraffic.NoneOf(b.Id) with { Active = b.Id.Value })),
        };

        var said = ReloadPreviews.Of(next.Config, traffic, before);

        var stays = Serving(before.Then(Now, new ControlEvent.Reloaded(next.Config))).Select(b => b.Backend.Id)
            .ToHashSet();
        Assert.Equal(
            Serving(before).Where(b => !stays.Contains(b.Backend.Id)).Select(b => (long)b.Backend.Id.Value),
            said.Removed.Map(b => b.Connections));
        Assert.All(said.Removed, b => Assert.Contains(
            b.Connections == 1
                ? $"backend {b.Name} removed; 1 connection drains"
                : $"backend {b.Name} removed; {b.Connections} connections drain",
            said.ToLines()));
    }

    [Property]
    public void Of_the_configuration_in_force_nothing_would_change(SteadyFleet past)
    {
        var state = Past(past);
        var said = ReloadPreviews.Of(state.Config, Traffic.None, state);

        Assert.Empty(said.ToLines());
        Assert.Equal(state.Config.Services.Sum(s => s.Backends.Count), said.Kept.Count);
    }

    [Property]
    public void Every_key_that_differs_is_said_with_both_values(BalConfig before, BalConfig after)
    {
        var said = SettingChanges.Between(before, after);

        Said("port", before.Main.Listener.Port, after.Main.Listener.Port);
        Said("health_check_interval_ms",
            before.Main.Tuning.Health.Interval.Milliseconds, after.Main.Tuning.Health.Interval.Milliseconds);
        Said("protection_stable_success_threshold",
            before.Main.Tuning.Protection.StableSuccessThreshold, after.Main.Tuning.Protection.StableSuccessThreshold);
        Said("relay", Words.Of(before.Main.Tuning.Relay), Words.Of(after.Main.Tuning.Relay));
        Assert.Equal(
            before with { Services = before.Services.Map(s => s with { Backends = after.Main.Backends }) } == after,
            said.IsEmpty);

        void Said(string key, object from, object to) => Assert.Equal(
            from.Equals(to) ? [] : new[] { new SettingChange(key, $"{from}", $"{to}") },
            said.Filter(change => change.Key == key));
    }

    [Property]
    public void How_the_file_is_written_is_no_setting(BalConfig config) =>
        Assert.Empty(SettingChanges.Between(config with { Mode = Mode.Simple }, config with { Mode = Mode.Advanced }));

    [Property]
    public void Only_the_number_of_loops_waits_for_the_next_start(BalConfig before, byte threads)
    {
        var said = SettingChanges.Between(before, before with { Threads = threads + 1, LogLevel = LogLevel.Debug });

        Assert.Equal(
            new[] { "log_level info -> debug", $"threads auto -> {threads + 1} (at the next start)" },
            said.Map(change => change.ToText()));
    }

    private static ControlState Past(SteadyFleet past) => Life.Of(
        past.Scenario with
        {
            Moments = past.Scenario.Moments.Filter(
                m => m.What is not (ControlEvent.StopRequested or ControlEvent.AllIdle)),
        },
        _ => { }).Then(Now, Life.Tick);

    private static (ServiceState Service, BackendState Backend)[] Serving(ControlState state) =>
        [.. state.InOrder.Filter(s => !s.Removed).Bind(s => s.InOrder.Filter(b => !b.Draining).Map(b => (s, b)))];
}
