using System.Globalization;
using System.Text;

namespace Bal.EndToEnd.Harness;

/// <summary>A configuration file, as an operator would write it.</summary>
internal record BalFile(int Port, params string[] Backends)
{
    public string Bind { get; init; } = "127.0.0.1";

    public string LogLevel { get; init; } = "info";

    /// <summary>How a backend is chosen; null leaves the key out.</summary>
    public string? Method { get; init; }

    /// <summary>The weights of the first backends; the others have none.</summary>
    public IReadOnlyList<int> Weights { get; init; } = [];

    /// <summary>How many of the last backends are backups.</summary>
    public int Backups { get; init; }

    /// <summary>What becomes of open connections (<c>on_backend_down</c>, <c>on_primary_up</c>); null leaves both out.
    /// </summary>
    public string? OpenConnections { get; init; }

    /// <summary>The limit of every backend; null leaves the key out.</summary>
    public int? MaxConnections { get; init; }

    /// <summary>Where decisions are recorded; null leaves the key out.</summary>
    public string? DecisionLog { get; init; }

    /// <summary>The type of the health check; null leaves the key out.</summary>
    public string? HealthCheck { get; init; }

    /// <summary>Lines of further keys.</summary>
    public string More { get; init; } = "";

    /// <summary>Keys of the runtime block; none leaves it out.</summary>
    public IReadOnlyDictionary<string, object> Runtime { get; init; } = new Dictionary<string, object>();

    public static BalFile For(params TestBackend[] backends) =>
        new(Ports.Free(), [.. backends.Select(b => b.Address)]);

    public static BalFile For(params int[] ports) => new(Ports.Free(), [.. ports.Select(p => $"127.0.0.1:{p}")]);

    public BalFile With(string key, object value) =>
        this with { Runtime = new Dictionary<string, object>(Runtime) { [key] = value } };

    private static bool IsUnix(string address) => address.StartsWith("unix:", StringComparison.Ordinal);

    /// <summary>No probe but the first, which every backend gets at the start.</summary>
    public BalFile WithRareProbes() =>
        With("health_check_interval_ms", 600_000).With("health_check_timeout_ms", 600_000);

    public override string ToString()
    {
        var text = new StringBuilder();
        if (!IsUnix(Bind))
            text.Append(CultureInfo.InvariantCulture, $"port: {Port}\n");
        text.Append(CultureInfo.InvariantCulture, $"bind_address: \"{Bind}\"\nlog_level: {LogLevel}\n");
        if (DecisionLog is not null)
            text.Append(CultureInfo.InvariantCulture, $"decision_log: \"{DecisionLog}\"\n");
        if (HealthCheck is not null)
            text.Append(CultureInfo.InvariantCulture, $"health_check: {{type: {HealthCheck}}}\n");
        if (Method is not null)
            text.Append(CultureInfo.InvariantCulture, $"method: {Method}\n");
        if (OpenConnections is { } fate)
            text.Append(CultureInfo.InvariantCulture, $"on_backend_down: {fate}\non_primary_up: {fate}\n");
        text.Append("backends:\n");
        for (var i = 0; i < Backends.Length; i++)
        {
            var backend = Backends[i];
            var colon = backend.LastIndexOf(':');
            var host = backend[..colon].Trim('[', ']');
            text.Append(IsUnix(backend)
                ? $"  - unix: \"{backend["unix:".Length..]}\"\n"
                : $"  - host: \"{host}\"\n    port: {backend[(colon + 1)..]}\n");
            if (i < Weights.Count)
                text.Append(CultureInfo.InvariantCulture, $"    weight: {Weights[i]}\n");
            if (i >= Backends.Length - Backups)
                text.Append("    backup: true\n");
            if (MaxConnections is { } limit)
                text.Append(CultureInfo.InvariantCulture, $"    max_connections: {limit}\n");
        }

        if (More.Length > 0)
            text.Append(More).Append('\n');
        if (Runtime.Count > 0)
            text.Append("runtime:\n");
        foreach (var (key, value) in Runtime)
            text.Append(CultureInfo.InvariantCulture, $"  {key}: {value}\n");
        return text.ToString();
    }
}
