namespace Bal.EndToEnd.Watching;

/// <summary>A real Prometheus that scrapes one bal each second, with the alert rules that come with bal.</summary>
internal sealed class Prometheus : IAsyncDisposable
{
    private readonly Command process;
    private readonly int port;

    private Prometheus(Command process, int port) => (this.process, this.port) = (process, port);

    public static string Rules => Path.Combine(Repository.Root, "packaging", "prometheus", "bal.rules.yml");

    /// <param name="directory">Where it may write.</param>
    /// <param name="target">The port of bal's page.</param>
    public static async Task<Prometheus> Start(string directory, int target)
    {
        var port = Ports.Free();
        var config = Path.Combine(directory, "prometheus.yml");
        await File.WriteAllTextAsync(config, $$"""
            global: {scrape_interval: 1s, evaluation_interval: 1s}
            rule_files: ["{{Rules}}"]
            scrape_configs: [{job_name: bal, static_configs: [{targets: ["127.0.0.1:{{target}}"]}]}]
            """);
        var process = Command.Start("prometheus",
        [
            $"--config.file={config}", $"--storage.tsdb.path={directory}/tsdb",
            $"--web.listen-address=127.0.0.1:{port}",
        ]);
        await Eventually.See("Prometheus is ready",
            () => Command.Run("curl", "-sf", $"http://127.0.0.1:{port}/-/ready"), answer => answer.ExitCode == 0);
        return new(process, port);
    }

    /// <summary>The answer to a query, as JSON.</summary>
    public async Task<string> Query(string expression) => (await Command.Run(
        "curl", "-s", "--data-urlencode", $"query={expression}", $"http://127.0.0.1:{port}/api/v1/query")).Out;

    /// <summary>Waits until the answer to a query is the one wanted.</summary>
    public Task<string> Sees(string expression, Predicate<string> wanted) =>
        Eventually.See($"{expression} in Prometheus", () => Query(expression), answer => wanted(answer));

    public ValueTask DisposeAsync() => process.DisposeAsync();
}
