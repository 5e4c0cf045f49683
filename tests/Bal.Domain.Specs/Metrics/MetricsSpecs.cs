using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Bal.Domain.Backend;
using Bal.Domain.Counting;
using Bal.Domain.Metrics;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Metrics;

/// <summary>What Prometheus reads, whatever services and backends are called and whatever has been counted.</summary>
[Properties(Arbitrary = [typeof(MetricsSpecs), typeof(Values), typeof(Configs), typeof(Scenarios)])]
public sealed partial class MetricsSpecs
{
    private const string Label = "[a-z_]+=\"([^\"\\\\]|\\\\[\\\\\"n])*\"";

    private static readonly ProcessIdentity Process = new(4711, "/etc/bal/config.yaml", "0.3.0", Instant.Zero);

    /// <summary>Names of services, addresses and states are few, so that the same ones meet often.</summary>
    public static Arbitrary<StatusReport> Reports() => Arb.From(
        from services in Gen.ArrayOf(ServiceOf).Resize(4)
        from backends in Gen.ArrayOf(BackendOf).Resize(8)
        from stopping in ArbMap.Default.GeneratorFor<bool>()
        select new StatusReport(
            true, 1, "/c", new Arr<ServiceReport>(services), new Arr<BackendReport>(backends), "0.3.0\"\\\n", 5, 1,
            stopping, Arr<PreviousReport>.Empty, Option<RefusedReloadReport>.None));

    private static Gen<string> Name => Gen.Elements("a", "b\"", "c\\", "d\n", "é", "a\",x=\"1", "{}");

    private static Gen<long> Count => Gen.Choose(0, 1_000_000).Select(n => (long)n);

    private static Gen<ServiceReport> ServiceOf =>
        from name in Name
        from removed in ArbMap.Default.GeneratorFor<bool>()
        from counts in Gen.ArrayOf(Count, ServiceCounters.Count).Select(Consistent)
        select new ServiceReport(
            name, Prelude.Array("::"), 1, "round_robin", 10, removed, 1, 1, 3, new Arr<long>(counts),
            ProtectionReport.Off);

    private static Gen<BackendReport> BackendOf =>
        from service in Name
        from address in Name
        from state in Gen.Elements("up", "cooling", "down", "draining")
        from counts in Gen.ArrayOf(Count, 8)
        from connects in Gen.ArrayOf(Count, DurationScale.Connect.Buckets + 1)
        select new BackendReport(
            service, address, state == "up", state, counts[0], counts[1], counts[2], counts[3],
            Option<DateTimeOffset>.None, Option<DateTimeOffset>.None, FailureCounters.Zero)
        {
            ConnectFailures = new FailureCounters(counts[4], counts[5], counts[6]),
            ProbeFailures = new FailureCounters(counts[7], counts[0], counts[1]),
            MaxConnections = counts[2] % 2 == 0 ? 7 : Option<int>.None,
            Connects = new Durations(new Arr<long>(connects[1..]), connects[0]),
        };

    // All that have ended are as many as those of each length, and those that were longer than all bounds.
    private static long[] Consistent(long[] counts)
    {
        foreach (var taken in new[] { ServiceCounters.Sessions, ServiceCounters.Waits })
        {
            counts[taken.Count.Index] +=
                counts.AsSpan(taken.First.Index, taken.Scale.BoundsMs.Count).ToArray().Sum();
        }

        return counts;
    }

    [Property]
    public void Every_line_is_as_the_format_wants_it_and_no_two_series_are_alike(StatusReport report)
    {
        var lines = TextOf(report).Split('\n');
        Assert.Equal("", lines[^1]);
        Assert.All(lines[..^1], line => Assert.Matches(Line(), line));
        var series = lines.Where(line => line.Length > 0 && line[0] != '#').Select(SeriesOf).ToArray();
        Assert.Equal(series.Length, series.Distinct().Count());
    }

    [Property]
    public void A_metric_is_described_once_before_its_series_which_stand_together(StatusReport report)
    {
        var order = new List<string>();
        foreach (var line in TextOf(report).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var words = line.Split(' ');
            var name = words[0] == "#" ? words[2] : line.Split('{', ' ')[0];
            name = BaseOf(name);
            var said = words[0] == "#" ? $"{words[1]} {name}" : name;
            if (order.Count == 0 || order[^1] != said)
                order.Add(said);
        }

        Assert.Equal(order.Count, order.Distinct().Count());
        for (var i = 0; i < order.Count; i += 3)
            Assert.Equal([$"HELP {order[i + 2]}", $"TYPE {order[i + 2]}"], order[i..(i + 2)]);
    }

    [Property]
    public void A_name_says_what_its_labels_are_and_whether_it_only_rises(StatusReport report)
    {
        foreach (var (name, type) in Types(TextOf(report)))
        {
            Assert.Equal(name.EndsWith("_total", StringComparison.Ordinal), type == "counter");
            Assert.Matches("^(bal|process)_[a-z_]+$", name);
        }

        foreach (var series in SeriesIn(TextOf(report)).Keys)
        {
            var isOfProcess = Regex.IsMatch(series, "^(process_|bal_up|bal_build_info|bal_config_)");
            Assert.Equal(!isOfProcess, series.Contains("{service=\"", StringComparison.Ordinal));
            Assert.Equal(
                series.StartsWith("bal_backend_", StringComparison.Ordinal),
                Regex.IsMatch(series, "^[a-z_]+\\{service=\"([^\"\\\\]|\\\\.)*\",backend=\""));
        }
    }

    [Property]
    public void A_histogram_rises_from_bound_to_bound_and_ends_with_all_of_them(StatusReport report)
    {
        var series = SeriesIn(TextOf(report));
        var buckets = series.Where(s => s.Key.Contains("_bucket{", StringComparison.Ordinal))
            .GroupBy(s => Regex.Replace(s.Key, ",le=\"[^\"]*\"", ""));
        foreach (var bucket in buckets)
        {
            var counts = bucket.ToArray();
            Assert.InRange(counts.Length, 2, 10);
            Assert.Equal(counts.Select(c => c.Value).Order(), counts.Select(c => c.Value));
            Assert.EndsWith(",le=\"+Inf\"}", counts[^1].Key, StringComparison.Ordinal);
            Assert.Equal(series[bucket.Key.Replace("_bucket{", "_count{")], counts[^1].Value);
            Assert.Contains(bucket.Key.Replace("_bucket{", "_sum{"), series.Keys);
        }

        Assert.Equal(
            2 * report.Services.Map(s => s.Name).Distinct().Count()
                + 2 * report.Backends.Map(b => (b.Service, b.Address)).Distinct().Count(),
            buckets.Count());
    }

    [Property]
    public void What_is_reported_of_the_only_one_of_a_name_is_what_stands_there(StatusReport report)
    {
        var series = SeriesIn(TextOf(report));
        foreach (var service in report.Services.Where(s => report.Services.Count(o => o.Name == s.Name) == 1))
        {
            var its = $"{{service=\"{Escaped(service.Name)}\"";
            foreach (var counter in ServiceCounters.All.Filter(c => c.Kind is CounterKind.Ended or CounterKind.Refused))
            {
                var name = counter.Kind == CounterKind.Ended ? "ended" : "rejected";
                Assert.Equal(
                    service.Of(counter), series[$"bal_connections_{name}_total{its},reason=\"{counter.Word}\"}}"]);
            }

            Assert.Equal(
                service.Of(ServiceCounters.TotalConnections), series[$"bal_connections_total{its}}}"]);
            Assert.Equal(service.Of(ServiceCounters.BytesOut), series[$"bal_bytes_total{its},direction=\"out\"}}"]);
        }

        foreach (var one in report.Backends.Where(b => report.Backends.Count(
            o => (o.Service, o.Address) == (b.Service, b.Address)) == 1))
        {
            var its = $"{{service=\"{Escaped(one.Service)}\",backend=\"{Escaped(one.Address)}\"";
            Assert.Equal(one.TotalConnections, series[$"bal_backend_connections_total{its}}}"]);
            Assert.Equal(1, BackendStates.Sum(state => series[$"bal_backend_state{its},state=\"{state}\"}}"]));
            Assert.Equal(1, series[$"bal_backend_state{its},state=\"{one.State}\"}}"]);
        }
    }

    [Property]
    public void Of_two_of_one_name_the_one_that_stays_is_meant(StatusReport report, NonNegativeInt number)
    {
        if (report.Services.IsEmpty)
            return;
        var stays = report.Services[0] with { Removed = false };
        var goes = stays with { Removed = true, Counts = stays.Counts.Map(count => count + 1 + number.Get) };

        Assert.Equal(
            TextOf(report with { Services = Prelude.Array(stays) }),
            TextOf(report with { Services = Prelude.Array(goes, stays) }));
    }

    [Property(MaxTest = 50)]
    public void No_counter_falls_while_its_backend_stays_whatever_happens_to_it(Scenario scenario)
    {
        var before = new Dictionary<string, double>();
        Life.Of(scenario, o =>
        {
            // A configuration may rename a service, and what it counts is then another series.
            var clock = new ClockReading(o.Now, DateTimeOffset.UnixEpoch.AddHours(1));
            var named = o.After.State.InOrder.Where(s => !s.Removed).Select(s => (s.Id, s.Config.Name)).ToHashSet();
            var same = o.Before.InOrder.Where(s => named.Contains((s.Id, s.Config.Name)))
                .SelectMany(s => s.InOrder.Where(b => !b.Draining).Select(b => (b.Id, s.Config.Name))).ToHashSet();
            var staying = o.After.State.InOrder.SelectMany(s => s.InOrder
                    .Where(b => same.Contains((b.Id, s.Config.Name)) && !b.Draining)
                    .Select(b => $"{{service=\"{s.Config.Name}\",backend=\"{b.Endpoint}\""))
                .ToArray();
            var after = SeriesIn(TextOf(StatusReports.Of(Process, Traffic.None, clock, o.After.State)));
            foreach (var (series, value) in after.Where(s => s.Key.Contains("_total{", StringComparison.Ordinal)
                && staying.Any(its => s.Key.Contains(its, StringComparison.Ordinal))))
                Assert.True(value >= before.GetValueOrDefault(series), series);
            before = after;
        });
    }

    [Fact]
    public void What_it_takes_grows_no_faster_than_the_number_of_backends()
    {
        _ = Allocated(10);
        var (few, many) = (Allocated(500), Allocated(5_000));

        Assert.InRange(many, 5 * few, 15 * few);
    }

    private static long Allocated(int backends)
    {
        var one = BackendOf.Sample(1, 1)[0];
        var report = Empty with
        {
            Backends = new Arr<BackendReport>(
                Enumerable.Range(0, backends).Select(i => one with { Address = $"b{i}:1" })),
        };
        var before = GC.GetAllocatedBytesForCurrentThread();
        _ = MetricsText.Of(new(report, ProcessFigures.Unknown));
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static StatusReport Empty => new(
        true, 1, "/c", Arr<ServiceReport>.Empty, Arr<BackendReport>.Empty, "0.3.0", 5, 1, false,
        Arr<PreviousReport>.Empty, Option<RefusedReloadReport>.None);

    [Fact]
    public void What_the_kernel_does_not_say_of_the_process_is_left_out()
    {
        Assert.DoesNotContain("process_", TextOf(Empty), StringComparison.Ordinal);
        var unlimited = new ProcessFigures { MaxDescriptors = double.PositiveInfinity };
        Assert.Contains(
            "\nprocess_max_fds +Inf\n",
            Encoding.UTF8.GetString(MetricsText.Of(new(Empty, unlimited)).Span),
            StringComparison.Ordinal);
    }

    private static string[] BackendStates => ["up", "cooling", "down", "draining"];

    private static string TextOf(StatusReport report) =>
        Encoding.UTF8.GetString(MetricsText.Of(new(report, ProcessFigures.Unknown)).Span);

    private static string Escaped(string value) =>
        string.Concat(value.Select(c => c switch { '\\' => "\\\\", '"' => "\\\"", '\n' => "\\n", _ => $"{c}" }));

    private static string BaseOf(string name) => Regex.Replace(name, "_(bucket|sum|count)$", "");

    private static string SeriesOf(string line) => line[..line.LastIndexOf(' ')];

    private static Dictionary<string, double> SeriesIn(string text) => text.Split('\n')
        .Where(line => line.Length > 0 && line[0] != '#')
        .ToDictionary(SeriesOf, line => line[(line.LastIndexOf(' ') + 1)..] is var number && number == "+Inf"
            ? double.PositiveInfinity : double.Parse(number, CultureInfo.InvariantCulture));

    private static IEnumerable<(string Name, string Type)> Types(string text) => text.Split('\n')
        .Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal))
        .Select(line => (line.Split(' ')[2], line.Split(' ')[3]));

    [GeneratedRegex("^(# (HELP [a-z_]+ .+|TYPE [a-z_]+ (counter|gauge|histogram))"
        + "|[a-z_]+(\\{" + Label + "(," + Label + ")*\\})? (\\+Inf|[0-9.E+]+))$")]
    private static partial Regex Line();
}
