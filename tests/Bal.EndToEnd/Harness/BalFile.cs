using System.Globalization;
using System.Text;

namespace Bal.EndToEnd.Harness;

/// <summary>A configuration file, as an operator would write it.</summary>
internal sealed record BalFile(int Port, params string[] Backends)
{
    public string Bind { get; init; } = "127.0.0.1";

    public string LogLevel { get; init; } = "info";

    /// <summary>Where decisions are recorded; null leaves the key out.</summary>
    public string? DecisionLog { get; init; }

    /// <summary>Keys of the runtime block; none leaves it out.</summary>
    public IReadOnlyDictionary<string, object> Runtime { get; init; } = new Dictionary<string, object>();

    public static BalFile For(params TestBackend[] backends) =>
        new(Ports.Free(), [.. backends.Select(b => b.Address)]);

    public static BalFile For(params int[] ports) => new(Ports.Free(), [.. ports.Select(p => $"127.0.0.1:{p}")]);

    public BalFile With(string key, object value) =>
        this with { Runtime = new Dictionary<string, object>(Runtime) { [key] = value } };

    /// <summary>No probe but the first, which every backend gets at the start.</summary>
    public BalFile WithRareProbes() =>
        With("health_check_interval_ms", 600_000).With("health_check_timeout_ms", 600_000);

    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"port: {Port}\nbind_address: \"{Bind}\"\nlog_level: {LogLevel}\n");
        if (DecisionLog is not null)
            text.Append(CultureInfo.InvariantCulture, $"decision_log: \"{DecisionLog}\"\n");
        text.Append("backends:\n");
        foreach (var backend in Backends)
        {
            var colon = backend.LastIndexOf(':');
            var host = backend[..colon].Trim('[', ']');
            text.Append(CultureInfo.InvariantCulture, $"  - host: \"{host}\"\n    port: {backend[(colon + 1)..]}\n");
        }

        if (Runtime.Count > 0)
            text.Append("runtime:\n");
        foreach (var (key, value) in Runtime)
            text.Append(CultureInfo.InvariantCulture, $"  {key}: {value}\n");
        return text.ToString();
    }
}
