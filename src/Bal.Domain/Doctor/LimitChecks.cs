using Bal.Domain.Admission;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Doctor;

/// <summary>Whether the limits of the process and the kernel carry what the configuration promises.</summary>
public static class LimitChecks
{
    /// <summary>Pages of a pipe of the kernel's default size (pipe(7)).</summary>
    private const long PagesPerPipe = 16;

    /// <summary>The checks; an unknown limit is not a fault.</summary>
    public static Arr<DoctorCheck> Of(BalConfig config, LimitFacts limits) =>
        Prelude.Array(
            Descriptors(config, limits), Backlog(config, limits), Ports(config, limits), Pipes(config, limits));

    private static DoctorCheck Descriptors(BalConfig config, LimitFacts limits)
    {
        var hard = limits.HardDescriptors.IfNone(long.MaxValue);
        var threads = config.Threads.IfNone(limits.Processors);
        if (!limits.OfDaemon && hard < DescriptorBudget.Least(threads))
            return DoctorCheck.Critical(CheckName.Limits, DescriptorBudget.TooLow(hard, threads));
        var allowed = ConnectionLimits.Of(config, hard, threads);
        var needed = allowed.Needed;
        return allowed.Suffices
            ? DoctorCheck.Ok(
                CheckName.Limits,
                $"{needed} file descriptors needed, {Text(limits.HardDescriptors)} allowed "
                    + $"(soft limit {Text(limits.SoftDescriptors)}, raised by start); {allowed.InFlight}")
            : DoctorCheck.Warn(CheckName.Limits, new Problem(
                "descriptor_limit_low",
                $"max_concurrent_connections needs {needed} file descriptors, "
                    + $"the hard limit{(limits.OfDaemon ? " of the daemon" : "")} is {hard}: bal serves at most "
                    + $"{Plural.Of(allowed.Allowed, "connection")}, {allowed.InFlight}",
                "the service manager, the container or the login shell was given a low limit",
                $"set LimitNOFILE={needed} in the systemd unit, or run "
                    + $"'sudo prlimit --pid $$ --nofile={needed}:{needed}' in this shell before 'bal start'; "
                    + $"or lower max_concurrent_connections to {allowed.Allowed}"));
    }

    private static DoctorCheck Backlog(BalConfig config, LimitFacts limits)
    {
        var wanted = config.Services.Max(s => s.Tuning.Backlog);
        return limits.ListenBacklog.Filter(allowed => allowed < wanted).Match(
            Some: allowed => DoctorCheck.Warn(CheckName.Backlog, new Problem(
                "backlog_capped",
                $"tcp_backlog is {wanted}, but the kernel caps it at {allowed} (net.core.somaxconn)",
                "the kernel's default is lower than the configuration asks for",
                $"run 'sudo sysctl -w net.core.somaxconn={wanted}', or lower tcp_backlog to {allowed}")),
            None: () => DoctorCheck.Ok(
                CheckName.Backlog, $"tcp_backlog is {wanted}, the kernel allows {Text(limits.ListenBacklog)}"));
    }

    /// <summary>
    /// The kernel needs one local port for each connection from the same source to the same backend address (ip(7)),
    /// so even an ideal spread over all backends cannot hold more than ports times sources times backends.
    /// </summary>
    private static DoctorCheck Ports(BalConfig config, LimitFacts limits)
    {
        var tight = config.Services.Filter(service => limits.EphemeralPorts.Exists(
            range => range.Count * Pairs(service) < service.Tuning.MaxConcurrentConnections));
        return limits.EphemeralPorts.Match(
            Some: range => tight.IsEmpty ? PortsSuffice(config, range) : PortsRunOut(tight[0], range),
            None: () => DoctorCheck.Ok(CheckName.Ports, "the range of local ports is unknown"));
    }

    private static DoctorCheck PortsSuffice(BalConfig config, PortRange range)
    {
        var summary = $"{range.Count} local ports for outgoing connections ({range.Low}-{range.High})";
        var inRange = config.Services.Filter(s => range.Contains(s.Listener.Port));
        return inRange.IsEmpty
            ? DoctorCheck.Ok(CheckName.Ports, summary)
            : DoctorCheck.OkWithNote(
                CheckName.Ports,
                summary,
                $"port {inRange[0].Listener.Port} lies in that range, so an outgoing connection may take it before a "
                    + "start; a port outside, or net.ipv4.ip_local_reserved_ports, prevents that");
    }

    private static DoctorCheck PortsRunOut(Service service, PortRange range) =>
        DoctorCheck.Warn(CheckName.Ports, new Problem(
            "local_ports_few",
            $"{range.Count} local ports and {service.Backends.Count} backends cannot carry "
                + $"max_concurrent_connections={service.Tuning.MaxConcurrentConnections}"
                + (service.SourceAddresses.IsEmpty
                    ? "" : $" from {Plural.Of(service.SourceAddresses.Count, "source address", "source addresses")}"),
            "net.ipv4.ip_local_port_range is narrow; every connection to a backend takes one of its ports",
            "run 'sudo sysctl -w net.ipv4.ip_local_port_range=\"10000 65000\"', or add 'source_addresses', each with "
                + "ports of its own, or lower max_concurrent_connections"));

    private static long Pairs(Service service) =>
        service.Backends.Sum(backend => (long)service.SourcesTo(backend.Endpoint).Count);

    /// <summary>
    /// Above the soft limit on pipe pages (pipe(7)) an unprivileged user gets pipes too small to splice through: bal
    /// copies then, at a higher cost. That is a fault only where the file asks for splice(2) and nothing else.
    /// </summary>
    private static DoctorCheck Pipes(BalConfig config, LimitFacts limits)
    {
        // 0 is "no limit"; root is exempt, and a pipe a direction is all that a connection can use.
        var limit = limits.PipePages.Filter(pages => pages > 0 && !limits.PipesUnlimited);
        var spliced = config.Services.Filter(service => service.Tuning.Relay == RelayMode.Splice);
        var directions = spliced.Sum(service => 2L * service.Tuning.MaxConcurrentConnections);
        return limit.Match(
            Some: pages => directions * PagesPerPipe > pages
                ? DoctorCheck.Warn(CheckName.Pipes, new Problem(
                    "pipe_pages_few",
                    $"relay: splice needs {directions * PagesPerPipe} pipe pages for {directions} directions, "
                        + $"this user may have {pages} (fs.pipe-user-pages-soft)",
                    "the kernel's default is meant for a few hundred pipes; beyond it connections are copied",
                    $"run 'sudo sysctl -w fs.pipe-user-pages-soft={directions * PagesPerPipe}', or set relay: auto, "
                        + "which splices only bulk transfers"))
                : DoctorCheck.Ok(CheckName.Pipes, $"pipes for {pages / PagesPerPipe} spliced directions at once"),
            None: () => DoctorCheck.Ok(CheckName.Pipes, "the number of pipes for splicing is not limited"));
    }

    private static string Text(Option<long> limit) => limit.Match(
        Some: l => l.ToString(System.Globalization.CultureInfo.InvariantCulture),
        None: () => "unlimited");
}
