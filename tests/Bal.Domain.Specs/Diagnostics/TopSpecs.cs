using Bal.Domain.Backend;
using Bal.Domain.Counting;
using Bal.Domain.Reports;
using FsCheck;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Diagnostics;

/// <summary><c>bal top</c>: what the keys do, and what fits on a screen.</summary>
public sealed class TopSpecs
{
    private static readonly BackendReport One = Backend("10.0.0.1:80", BackendReport.Up, 1, 10, 1_000);
    private static readonly BackendReport Two = Backend("10.0.0.2:80", BackendReport.Down, 9, 20, 2_000);

    [Property]
    public void A_screen_is_never_larger_than_the_terminal_and_steers_it_in_no_way(
        NonNegativeInt backends, byte columns, byte lines, string? filter, bool typing, int sort)
    {
        var report = Report([.. Enumerable.Range(0, backends.Get).Select(i =>
            Backend($"\u001b[2Jbackend-{i}.example.org:80", BackendReport.Up, i, i, i))]);
        var view = new TopView(
            (TopSort)(Math.Abs((long)sort) % Enum.GetValues<TopSort>().Length), filter ?? "", typing, Over: false);

        var screen = TopText.Screen(new TopLook(report, report, 1_000), view, columns, lines);

        Assert.InRange(screen.Count, 0, lines);
        Assert.All(screen, line => Assert.InRange(line.Length, 0, columns));
        Assert.All(screen, line => Assert.DoesNotContain(line, char.IsControl));
    }

    [Fact]
    public void Every_backend_is_shown_or_counted()
    {
        var report = Report([.. Enumerable.Range(0, 50).Select(i => Backend($"b{i}:80", BackendReport.Up, i, i, i))]);

        var screen = TopText.Screen(new TopLook(report, Option<StatusReport>.None, 0), TopView.Start, 120, 24);

        var shown = screen.Count(line => line.StartsWith('b') && line.Contains(":80", StringComparison.Ordinal));
        Assert.InRange(shown, 10, 24);
        Assert.Contains($"{50 - shown} more backends: / filters them", screen);
    }

    [Fact]
    public void Rates_are_what_came_since_the_look_before_and_never_below_zero()
    {
        var earlier = Report(One with { TotalConnections = 4, BytesIn = 500 }, Two with { TotalConnections = 99 });

        var screen = TopText.Screen(new TopLook(Report(One, Two), earlier, 2_000), TopView.Start, 120, 24);

        Assert.Contains(screen, line => line.StartsWith("10.0.0.1:80", StringComparison.Ordinal)
            && line.Contains(" 3.0 ", StringComparison.Ordinal) && line.Contains(" 250 B ", StringComparison.Ordinal));
        Assert.Contains(screen, line => line.StartsWith("10.0.0.2:80", StringComparison.Ordinal)
            && line.Contains(" 0.0 ", StringComparison.Ordinal));
        Assert.Contains("in_per_s=250",
            TopText.Lines(new TopLook(Report(One, Two), earlier, 2_000), "T"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "10.0.0.1:80")]
    [InlineData("s", "10.0.0.2:80")]
    [InlineData("ss", "10.0.0.2:80")]
    [InlineData("ssss", "10.0.0.1:80")]
    [InlineData("/0.2\r", "10.0.0.2:80")]
    [InlineData("/DOWN\r", "10.0.0.2:80")]
    [InlineData("/xx\u007f\u007f0.2\r", "10.0.0.2:80")]
    [InlineData("/0.2\u001b", "10.0.0.1:80")]
    public void Keys_sort_and_filter(string keys, string first)
    {
        var view = keys.Aggregate(TopView.Start, (now, key) => now.Press(key));

        var screen = TopText.Screen(new TopLook(Report(One, Two), Option<StatusReport>.None, 0), view, 120, 24);

        Assert.StartsWith(first, screen.First(line => line.StartsWith("10.", StringComparison.Ordinal)),
            StringComparison.Ordinal);
        Assert.False(view.Over);
    }

    [Property]
    public void Only_q_and_an_interrupt_end_it_and_q_is_a_letter_of_a_filter(string? keys)
    {
        var view = TopView.Start;
        foreach (var key in keys ?? "")
        {
            var next = view.Press(key);
            Assert.Equal(view.Over || key == '\u0003' || (key == 'q' && !view.Typing), next.Over);
            view = next with { Over = false };
        }

        Assert.InRange(view.Filter.Length, 0, 64);
        Assert.True(view.Press('\u0003').Over);
    }

    private static BackendReport Backend(string address, string state, long active, long total, long bytes) => new(
        "default", address, state == BackendReport.Up, state, active, total, bytes, bytes,
        Option<DateTimeOffset>.None, Option<DateTimeOffset>.None, FailureCounters.Zero);

    private static StatusReport Report(params BackendReport[] backends) =>
        StatusReports.Stopped("0.2.0", "/c", Option<Domain.Config.BalConfig>.None) with
        {
            Running = true,
            Services = Prelude.Array(new ServiceReport(
                "default", Prelude.Array("127.0.0.1"), 80, "round_robin", 10, Removed: false, backends.Length,
                backends.Length, 0, ServiceCounters.All.Map(_ => 0L), ProtectionReport.Off)),
            Backends = new(backends),
        };
}
