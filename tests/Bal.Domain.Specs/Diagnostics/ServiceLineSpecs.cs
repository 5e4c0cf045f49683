using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Diagnostics;

/// <summary>
/// The line for <c>systemctl status</c> says the same as <c>bal status</c>, and changes only with a decision.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public sealed class ServiceLineSpecs
{
    private static readonly ProcessIdentity Process = new(4711, "/etc/bal/config.yaml", "0.1.0", Instant.Zero);

    [Property]
    public void Of_one_service_it_counts_the_backends_and_names_the_protection_as_status_does(Scenario scenario) =>
        Life.Of(scenario, o =>
        {
            // Status reports the first service; with one there is nothing to add up.
            if (o.After.State.Services.Count != 1)
                return;
            var line = ServiceLine.Of(o.After.State);
            var report = StatusReports.Of(
                Process, Traffic.None, new ClockReading(o.Now, DateTimeOffset.UnixEpoch), o.After.State);

            Assert.Contains(
                $" {report.BackendReachable}/{report.BackendTotal} backends", line, StringComparison.Ordinal);
            Assert.EndsWith(
                report.Protection.Reason.Match(reason => $"protection mode on ({reason})", () => "protection mode off"),
                line, StringComparison.Ordinal);
            Assert.Equal(report.RefusedReload.IsSome && !report.Stopping && o.After.State.Phase is Phase.Running,
                line.Contains("the last reload was refused", StringComparison.Ordinal));
            Assert.DoesNotContain('\n', line);
        });

    [Property]
    public void Where_nothing_is_logged_or_published_it_stays_as_it_is(Scenario scenario) => Life.Of(scenario, o =>
    {
        if (!o.Effects<ControlEffect.Log>().Any() && !o.Effects<ControlEffect.Publish>().Any())
            Assert.Equal(ServiceLine.Of(o.Before), ServiceLine.Of(o.After.State));
    });
}
