using System.Globalization;
using System.Text.RegularExpressions;
using Bal.EndToEnd.Upgrading;

namespace Bal.EndToEnd.Watching;

/// <summary>The page and the metrics, and the process of its own that serves them.</summary>
public sealed class WebTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Everything_that_can_be_asked_for_is_answered_and_only_read()
    {
        await using var backend = Serving.Echo();
        var port = Ports.Free();
        await using var bal = await BalInstance.Healthy(output, FileWith(port, backend));
        using var web = new Web(port);
        await web.Answers();
        await bal.Exchange();

        var page = await web.Text("/");
        Assert.Contains("What is wrong", page, StringComparison.Ordinal);
        // Everything that it consists of comes from here, and nothing of it stands inline.
        Assert.DoesNotMatch("(?i)https?://|<style|<script>| style=| on[a-z]+=", page);
        foreach (Match reference in Regex.Matches(page, "(?:src|href)=\"([^\"]+)\""))
        {
            if (!reference.Groups[1].Value.StartsWith("data:", StringComparison.Ordinal))
                Assert.NotEmpty(await web.Text("/" + reference.Groups[1].Value));
        }

        Assert.Equal("ready\n", await web.Text("/readyz?backends"));
        Assert.True(new Status(await web.Text("/status.json")).Running);
        var explained = await web.Text($"/explain.json?of=default/{backend.Address}");
        Assert.Contains("\"text\"", explained, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, (await web.Get("/explain.json?of=a%0Astop")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await web.Get("/other")).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await web.Send(HttpMethod.Post, "/")).StatusCode);
        using var answer = await web.Get("/");
        Assert.StartsWith("default-src 'none'", answer.Headers.GetValues("Content-Security-Policy").Single(),
            StringComparison.Ordinal);

        backend.Refuse();
        await Eventually.See("it is not ready", () => web.Get("/readyz?backends"),
            a => a.StatusCode == HttpStatusCode.ServiceUnavailable);
        Assert.Equal("ready\n", await web.Text("/readyz"));
    }

    [Fact]
    public async Task A_name_that_nobody_has_allowed_is_refused_with_the_key_that_allows_it()
    {
        var port = Ports.Free();
        var file = BalFile.For(1) with
        {
            More = $"web: {{listen: \"127.0.0.1:{port}\", hosts: [lb1.example.org]}}",
        };
        await using var bal = await BalInstance.Started(output, file);
        using var web = new Web(port);
        await web.Answers();
        foreach (var known in new[] { "127.0.0.1", "localhost:1", "lb1.example.org", Environment.MachineName })
            Assert.Equal(HttpStatusCode.OK, (await web.Get("/metrics", ("Host", known))).StatusCode);

        using var refused = await web.Get("/metrics", ("Host", "rebound.example"));
        Assert.Equal(421, (int)refused.StatusCode);
        Assert.Contains("hosts", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var foreign = await web.Get("/status.json", ("Origin", "https://rebound.example"));
        Assert.Equal(HttpStatusCode.Forbidden, foreign.StatusCode);

        await bal.Reload(file with { More = $"web: {{listen: \"127.0.0.1:{port}\", hosts: [rebound.example]}}" });
        await Eventually.See("the name is known", () => web.Get("/metrics", ("Host", "rebound.example")),
            a => a.StatusCode == HttpStatusCode.OK);
    }

    [Fact]
    public async Task Its_process_is_confined_and_is_started_again_moved_and_ended_by_bal()
    {
        var (port, other) = (Ports.Free(), Ports.Free());
        var file = BalFile.For(1);
        await using var bal = await BalInstance.Started(output, file with { More = $"web: 127.0.0.1:{port}" });
        using var web = new Web(port);
        await web.Answers();
        var first = await PidOf(bal);
        var facts = await File.ReadAllTextAsync($"/proc/{first}/status");
        Assert.Contains("NoNewPrivs:\t1", facts, StringComparison.Ordinal);
        Assert.Contains("Seccomp:\t2", facts, StringComparison.Ordinal);
        Assert.DoesNotMatch("Uid:\t0\t", facts);
        var resident = int.Parse(
            Regex.Match(facts, "VmRSS:\\s+(\\d+) kB").Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.InRange(resident, 1, 45_000);

        Posix.Signal(first, Posix.Kill);
        var next = await Eventually.See("another one serves", () => WebOf(bal), w => w.Pid is { } pid && pid != first);
        await web.Answers();

        await bal.Reload(file with { More = $"web: 127.0.0.1:{other}" });
        using var moved = new Web(other);
        await moved.Answers();
        await Eventually.Holds("the former one has ended", () => !ProcFs.IsAlive(next.Pid!.Value));
        await Assert.ThrowsAsync<HttpRequestException>(() => web.Get("/healthz"));

        var last = await PidOf(bal);
        await bal.Reload(file);
        await Eventually.Holds("nothing serves it", () => !ProcFs.IsAlive(last));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, (await bal.Status()).Root.GetProperty("web").ValueKind);
        await Assert.ThrowsAsync<HttpRequestException>(() => moved.Get("/healthz"));
    }

    [Fact]
    public async Task Bal_serves_without_it_and_says_what_to_do()
    {
        await using var backend = Serving.Echo();
        using var installed = new InstalledBal();
        File.Delete(Path.Combine(Path.GetDirectoryName(installed.Path)!, "bal-web"));
        await using var bal = await BalInstance.Started(
            output, FileWith(Ports.Free(), backend), installed.Path);
        await bal.Exchange();

        await bal.SeeStatus("the status says it", s => s.Root.GetProperty("problems").EnumerateArray()
            .Any(p => p.GetProperty("code").GetString() == "web_not_started"));
        var lines = bal.LogLines().Where(line => line.Contains("web_not_started", StringComparison.Ordinal));
        Assert.Contains("install bal-web beside bal", Assert.Single(lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_real_prometheus_scrapes_it_and_promtool_has_nothing_to_say()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        var port = Ports.Free();
        await using var bal = await BalInstance.Healthy(output, FileWith(port, one, two));
        using var web = new Web(port);
        await web.Answers();
        await bal.Exchange();
        var linted = await bal.Shell($"curl -s {web.Root}/metrics | promtool check metrics");
        Assert.Equal("", linted.Succeeds().Out + linted.Error);

        await using var prometheus = await Prometheus.Start(bal.Home, port);
        await prometheus.Sees("sum(bal_backend_up)", result => result.Contains(",\"2\"]", StringComparison.Ordinal));
        Assert.Contains(",\"1\"]", await prometheus.Query("up"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_counter_falls_over_reloads_and_an_upgrade_and_nobody_is_refused_meanwhile()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        await using var gone = Serving.Echo();
        var port = Ports.Free();
        using var installed = new InstalledBal();
        await using var bal = await BalInstance.Healthy(output, FileWith(port, one, two, gone), installed.Path);
        using var web = new Web(port);
        await web.Answers();
        var before = await web.Metrics();
        for (var round = 0; round < 3; round++)
        {
            for (var client = 0; client < 9; client++)
                await bal.Exchange();
            before = await NotBelow(before, web);
        }

        Assert.Equal(27, before["bal_connections_total{service=\"default\"}"]);
        Assert.Equal(108, before["bal_bytes_total{service=\"default\",direction=\"in\"}"]);
        using var open = await bal.Connect();
        await open.Write("ping"u8.ToArray());
        _ = await open.Read(4);
        await bal.Reload(bal.File with { Backends = [one.Address, two.Address] });
        before = await NotBelow(before, web);

        var old = bal.Pid;
        (await bal.Run("upgrade")).Succeeds();
        Assert.NotEqual(old, bal.Pid);
        await web.Answers();
        before = await NotBelow(before, web);
        open.Dispose();
        await bal.SeeStatus("the old process has ended", s => s.Previous.Length == 0);
        await bal.Exchange();
        before = await NotBelow(before, web);

        Assert.Equal(29, before["bal_connections_total{service=\"default\"}"]);
        await bal.SeeStatus("all have ended", s => s.Active == 0);
        // The loop counts how long a session was a moment after it counts that it has ended.
        var last = before;
        before = await Eventually.See("the duration of each session is counted", () => NotBelow(last, web),
            seen => seen["bal_session_duration_seconds_count{service=\"default\"}"] == 29);
        Assert.Equal(116, before["bal_bytes_total{service=\"default\",direction=\"in\"}"]);
    }

    private static async Task<IReadOnlyDictionary<string, double>> NotBelow(
        IReadOnlyDictionary<string, double> before, Web web)
    {
        var after = await web.Metrics();
        foreach (var (series, value) in before)
        {
            // Those of the process are those of another one after an upgrade.
            if (Regex.IsMatch(series, "_(total|bucket|sum|count)\\{") && after.TryGetValue(series, out var now))
                Assert.True(now >= value, $"{series}: {value}, then {now}");
            else if (series.StartsWith("bal_connections_", StringComparison.Ordinal))
                Assert.Contains(series, after.Keys);
        }

        return after;
    }

    private static BalFile FileWith(int port, params TestBackend[] backends) =>
        BalFile.For(backends) with { More = $"web: 127.0.0.1:{port}" };

    private static async Task<(int? Pid, string Json)> WebOf(BalInstance bal)
    {
        var web = (await bal.Status()).Root.GetProperty("web");
        var pid = web.GetProperty("pid");
        return (pid.ValueKind == System.Text.Json.JsonValueKind.Number ? pid.GetInt32() : null, web.ToString());
    }

    private static async Task<int> PidOf(BalInstance bal) =>
        (await Eventually.See("it serves", () => WebOf(bal), w => w.Pid is not null)).Pid!.Value;
}
