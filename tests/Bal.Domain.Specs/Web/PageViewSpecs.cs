using System.Net;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using Bal.Domain.Web;
using FsCheck;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Web;

/// <summary>
/// What the page shows: bounded whatever happens, and nothing that is wrong is hidden by what is well.
/// </summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public sealed class PageViewSpecs
{
    private static readonly ProcessIdentity Process = new(4711, "/etc/bal/config.yaml", "0.1.0", Instant.Zero);

    [Property]
    public void What_is_shown_is_part_of_the_report_and_agrees_with_it(Scenario scenario)
    {
        var (view, report) = ViewOf(scenario, "");
        var shown = Shown(view);
        Assert.Equal(report.Backends.Count, view.MatchingBackends);
        Assert.All(shown.Backends, backend => Assert.Contains(backend, report.Backends));
        Assert.Equal(report.Overall, view.Report.Overall);
        Assert.Equal(StatusProblems.Of(report), StatusProblems.Of(view.Report));
        Assert.InRange(view.Events.Count, 0, PageView.MostEvents);
        Assert.InRange(view.Reasons.Count, 0, PageView.MostReasons);
        Assert.Equal(
            Math.Min(PageView.MostReasons, report.Backends.Count(b => b.State is "down" or "cooling")),
            view.Reasons.Count);
        Assert.Equal(view.Events.Map(e => e.Last).OrderByDescending(at => at), view.Events.Map(e => e.Last));
    }

    [Property]
    public void A_backend_that_is_well_is_shown_only_where_all_of_its_service_that_are_not_are(
        NonNegativeInt services, NonNegativeInt backends, int pattern)
    {
        var report = Report(services.Get % 80, backends.Get % 300, i => (i * 31 + pattern) % 7 == 0 ? "down" : "up");
        var shown = Shown(PageView.Of(report, State, Clock, ""));
        Assert.InRange(shown.Services.Count, 0, PageView.MostServices);
        Assert.InRange(
            shown.Backends.Count, 0,
            Math.Max(PageView.MostBackends, PageView.MostServices * PageView.FewestOfService));
        foreach (var its in shown.Backends.GroupBy(b => b.Service))
        {
            Assert.Equal(its.OrderBy(b => b.State == "up").ToArray(), its.ToArray());
            var down = report.Backends.Count(b => b.Service == its.Key && b.State == "down");
            Assert.True(its.All(b => b.State == "down") || its.Count(b => b.State == "down") == down);
        }
    }

    [Property]
    public void Whatever_is_looked_for_is_found_if_it_is_there(PositiveInt services, PositiveInt backends, int which)
    {
        var report = Report(1 + services.Get % 8, 1 + backends.Get % 300, _ => "up");
        var wanted = report.Backends[(int)((uint)which % report.Backends.Count)];
        var view = PageView.Of(report, State, Clock, $"{wanted.Service}/{wanted.Address}".ToUpperInvariant());
        Assert.Contains(wanted, Shown(view).Backends);
        Assert.Equal(0, PageView.Of(report, State, Clock, "no such name").MatchingBackends);
        Assert.Equal(report.Backends.Count, PageView.Of(report, State, Clock, "UP").MatchingBackends);
    }

    [Property]
    public void A_sample_is_read_as_it_was_written(Scenario scenario)
    {
        var report = ReportOf(scenario);
        var samples = HourSample.Of(report, most: 2);
        Assert.Equal(Math.Min(3, 1 + report.Serving.Count), samples.Count);
        Assert.All(samples, sample => Assert.Equal(sample, HourSample.Read(sample.ToLine())));
        Assert.Equal(report.Overall, samples[0].Level);
        Assert.Equal(report.ActiveConnections, samples[0].Open);
    }

    [Property]
    public void No_line_of_anything_else_is_a_sample_or_a_fault(string? line)
    {
        _ = HourSample.Read(line ?? "");
        Assert.True(HourSample.Read("a\t3\t0\t0\t0\t0\t0\t0\t0\t0\t0").IsNone);
        Assert.True(HourSample.Read("a\t-1\t0\t0\t0\t0\t0\t0\t0\t0\t0").IsNone);
    }

    [Property]
    public void A_point_has_what_rose_meanwhile_and_nothing_where_a_counter_fell(
        NonNegativeInt before, NonNegativeInt more, PositiveInt seconds)
    {
        var then = Sample(before.Get);
        var now = Sample(before.Get + (long)more.Get);
        var point = HourPoint.Of(then, now, seconds.Get);
        Assert.Equal(more.Get / (double)seconds.Get, point.NewPerSecond);
        Assert.Equal((long)more.Get, point.NotServed);
        Assert.Equal(more.Get > 0, point.ConnectMs.IsSome);
        if (more.Get > 0)
            Assert.True(HourPoint.Of(now, then, seconds.Get).NewPerSecond.IsNone);
        Assert.True(HourPoint.Of(Option<HourSample>.None, now, seconds.Get).BytesPerSecond.IsNone);
    }

    private static readonly ControlState State = Life.At(Life.Birth, new BalConfig(
        Mode.Simple, LogLevel.Info, Option<int>.None, Prelude.Array(new Service(
            Service.DefaultName,
            new Listener(new Host.Address(IPAddress.Loopback), 9295),
            Method.RoundRobin,
            Prelude.Array(new BackendConfig(new Endpoint(new Host.Address(IPAddress.Loopback), 9000))),
            Tuning.For(1)))));

    private static ClockReading Clock => new(Life.Birth, DateTimeOffset.UnixEpoch.AddHours(1));

    private static HourSample Sample(long count) =>
        new("a", OverallStatus.Ok, 1, 0, 1, 1, count, count, count, count, count);

    private static Listing Shown(PageView view) =>
        view.Report.Listed.IfNone(() => throw new InvalidOperationException());

    private static StatusReport ReportOf(Scenario scenario) => StatusReports.Of(
        Process, Traffic.None, Clock, Life.Of(scenario, _ => { }));

    private static (PageView View, StatusReport Report) ViewOf(Scenario scenario, string search)
    {
        var state = Life.Of(scenario, _ => { });
        var report = StatusReports.Of(Process, Traffic.None, Clock, state);
        return (PageView.Of(report, state, Clock, search), report);
    }

    private static StatusReport Report(int services, int each, Func<int, string> state)
    {
        var names = Enumerable.Range(0, services).Select(i => $"service-{i}").ToArray();
        return StatusReports.Stopped("0.1.0", "config.yaml", Option<BalConfig>.None) with
        {
            Running = true,
            Services = new(names.Select(name => new ServiceReport(
                name, Prelude.Array("127.0.0.1"), 1, "round_robin", 10, false, each, each, 0,
                ServiceCounters.All.Map(_ => 0L), ProtectionReport.Off)).ToArray()),
            Backends = new(names.SelectMany(name => Enumerable.Range(0, each).Select(i => new BackendReport(
                name, $"10.0.{i / 250}.{i % 250}:80", state(i) == "up", state(i), 0, 0, 0, 0,
                Option<DateTimeOffset>.None, Option<DateTimeOffset>.None,
                Bal.Domain.Backend.FailureCounters.Zero))).ToArray()),
        };
    }
}
