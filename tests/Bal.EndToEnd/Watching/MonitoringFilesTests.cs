using System.Text.Json;

namespace Bal.EndToEnd.Watching;

/// <summary>The dashboard and the alert rules in packaging/, by what Prometheus makes of them.</summary>
public sealed class MonitoringFilesTests(ITestOutputHelper output)
{
    private bool done;

    [Fact]
    public async Task The_alert_rules_tell_what_is_wrong_and_where()
    {
        (await Command.Run("promtool", "check", "rules", Prometheus.Rules)).Succeeds();
        var directory = Directory.CreateTempSubdirectory("bal-e2e-rules-");
        try
        {
            foreach (var file in new[]
            {
                Prometheus.Rules,
                Path.Combine(Repository.Root, "tests", "Bal.EndToEnd", "Watching", "bal.rules.test.yml"),
            })
                File.Copy(file, Path.Combine(directory.FullName, Path.GetFileName(file)));
            (await Command.Run("promtool", "test", "rules", Path.Combine(directory.FullName, "bal.rules.test.yml")))
                .Succeeds();
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Every_query_of_the_dashboard_has_series_and_an_alert_fires()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        var port = Ports.Free();
        var file = BalFile.For(one, two) with { MaxConnections = 1, More = $"web: 127.0.0.1:{port}" };
        await using var bal = await BalInstance.Healthy(output, file.With("queue_timeout_ms", 60_000));
        await using var prometheus = await Prometheus.Start(bal.Home, port);
        var queries = Queries();
        Assert.InRange(queries.Count, 15, 100);
        // Times of what happens while Prometheus looks on have a rate: some clients wait, and all of them end.
        var clients = Task.Run(async () =>
        {
            while (!Volatile.Read(ref done))
                await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => bal.Exchange()));
        });
        try
        {
            foreach (var query in queries)
            {
                await prometheus.Sees(query, answer => Results(answer) is { Length: > 0 } results
                    && Array.TrueForAll(results, r => r.GetProperty("value")[1].GetString() != "NaN"));
            }
        }
        finally
        {
            Volatile.Write(ref done, true);
            await clients;
        }

        two.Refuse();
        await prometheus.Sees("ALERTS{alertname=\"BalBackendDown\"}", answer => Results(answer).Length == 1);
    }

    // As Grafana asks for all instances and services.
    private static List<string> Queries()
    {
        using var dashboard = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(Repository.Root, "packaging", "grafana", "bal.json")));
        return [.. dashboard.RootElement.GetProperty("panels").EnumerateArray()
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray())
            .Select(target => target.GetProperty("expr").GetString()!
                .Replace("$instance", ".*", StringComparison.Ordinal)
                .Replace("$service", ".*", StringComparison.Ordinal)
                .Replace("$job", ".*", StringComparison.Ordinal)
                .Replace("$__rate_interval", "10s", StringComparison.Ordinal))];
    }

    private static JsonElement[] Results(string answer)
    {
        if (answer.Length == 0)
            return [];
        using var document = JsonDocument.Parse(answer);
        return document.RootElement.GetProperty("status").GetString() == "success"
            ? [.. document.RootElement.GetProperty("data").GetProperty("result").EnumerateArray()
                .Select(r => r.Clone())]
            : throw new InvalidOperationException(answer);
    }
}
