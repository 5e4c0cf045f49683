using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>The file that <c>bal init</c> writes: few keys, and comments for who edits it next.</summary>
public static class StarterFile
{
    /// <summary>The file of one service.</summary>
    /// <param name="service">Its listener and its backends are written.</param>
    public static string Text(Service service) =>
        $$"""
        # The configuration of bal. 'bal check' reads it, 'bal graceful' applies what was changed.
        # Every key: 'man bal.yaml', or docs/configuration.md. Editors complete and check by 'bal schema'.

        # Where clients connect. "0.0.0.0" is every IPv4 address of this machine, "::" IPv6 as well.
        {{Yaml(
            [Raw.Entry(Settings.BindAddress, $"{service.Listener.Addresses[0]}"),
            .. service.Listener.IsUnixOnly
                ? Arr<RawEntry>.Empty
                : Prelude.Array(Raw.Entry(Settings.Port, Raw.Number(service.Listener.Port)))])}}
        # Where they are sent. A backend may also say more, for example:
        #   - {host: "10.0.0.13", port: 9000, weight: 3, max_connections: 100}
        #   - {host: "10.0.0.14", port: 9000, backup: true}
        {{Yaml(Raw.Entry(Settings.Backends, Raw.List(
            [.. service.Backends.Select(backend => Raw.Text($"{backend.Endpoint}"))])))}}
        # How a backend is chosen: round_robin, least_connections, random_two or source_hash.
        {{Yaml(Settings.OfService.Print(service).First(entry => Raw.ToText(entry.Key) == Settings.MethodKey))}}
        # A page of what happens, and metrics for Prometheus: remove the '#' to have them.
        # web: "127.0.0.1:9900"

        # Times and limits follow from the number of backends; what is set here wins. For example:
        # runtime:
        #   max_concurrent_connections: 4000
        #   connection_idle_timeout_ms: 3600000

        """;

    private static string Yaml(params RawEntry[] entries) => ConfigPrinter.ToYaml(Raw.Map(entries));
}
