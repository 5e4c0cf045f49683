using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Reload;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Reload;

/// <summary>What a reload would change, found before anything is changed (docs/behaviour.md, Reload).</summary>
[Properties(Arbitrary = [typeof(Configs)])]
public class ReloadDiffSpecs
{
    [Property]
    public void Between_equal_services_nothing_changes(Service service)
    {
        var same = service with { Backends = service.Backends.Map(e => e with { }) };

        Assert.True(ReloadDiff.Between(service, same).IsEmpty);
        Assert.Empty(ReloadDiff.Between(service, same).ToLines(service, same));
    }

    [Property]
    public void Kept_and_added_are_exactly_the_new_backends_in_their_order(Service before, Service after)
    {
        var plan = ReloadDiff.Between(before, after);

        Assert.Equal(after.Endpoints.Filter(e => before.Endpoints.Contains(e)), plan.Kept);
        Assert.Equal(after.Endpoints.Filter(e => !before.Endpoints.Contains(e)), plan.Added);
    }

    [Property]
    public void Kept_and_removed_are_exactly_the_old_backends(Service before, Service after)
    {
        var plan = ReloadDiff.Between(before, after);

        Assert.Equal(before.Endpoints.ToHashSet(), plan.Kept.Concat(plan.Removed).ToHashSet());
        Assert.Empty(plan.Kept.Intersect(plan.Removed));
    }

    [Property]
    public void What_one_direction_adds_the_other_removes(Service a, Service b)
    {
        Assert.Equal(ReloadDiff.Between(a, b).Added, ReloadDiff.Between(b, a).Removed);
        Assert.Equal(ReloadDiff.Between(a, b).Kept.ToHashSet(), ReloadDiff.Between(b, a).Kept.ToHashSet());
    }

    [Property]
    public void Listener_and_tuning_changes_are_seen(Service before, Service after)
    {
        var plan = ReloadDiff.Between(before, after);

        Assert.Equal(before.Listener != after.Listener, plan.ListenerChanged);
        Assert.Equal(before.Tuning == after.Tuning, plan.Changes.IsEmpty);
    }

    [Property]
    public void An_operator_reads_one_line_a_change(Service before, Service after)
    {
        var plan = ReloadDiff.Between(before, after);
        var lines = plan.ToLines(before, after);

        Assert.Equal(
            plan.Added.Count + plan.Removed.Count + (plan.ListenerChanged ? 1 : 0) + (plan.Changes.IsEmpty ? 0 : 1),
            lines.Count);
        Assert.All(plan.Removed, e => Assert.Contains($"backend {e} removed, its connections drain", lines));
        Assert.All(plan.Added, e => Assert.Contains($"backend {e} added", lines));
        Assert.Equal(lines, ReloadDiff.Describe(Configs.Of(before), Configs.Of(after)));
    }

    [Property]
    public void What_concerns_the_whole_process_is_a_line_of_its_own(Service service, int threads)
    {
        var before = Configs.Of(service);

        var lines = ReloadDiff.Describe(before, before with { LogLevel = LogLevel.Debug, Threads = threads });

        Assert.Equal(new[] { "log_level info -> debug", $"threads auto -> {threads} (at the next start)" }, lines);
        var recorded = before with { DecisionLog = "/d" };
        Assert.Equal(new[] { "decision_log unset -> /d" }, ReloadDiff.Describe(before, recorded));
        Assert.Equal(new[] { "decision_log /d -> unset" }, ReloadDiff.Describe(recorded, before));
        Assert.Empty(ReloadDiff.Describe(before, before with { }));
    }
}
