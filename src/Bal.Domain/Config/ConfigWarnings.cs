using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// What works and is likely not meant. Each rule looks at what could be read, whatever is wrong elsewhere.
/// </summary>
internal static class ConfigWarnings
{
    /// <summary>Descriptors of one relayed connection: the client's socket and the backend's.</summary>
    private const long DescriptorsPerConnection = 2;

    /// <summary>Descriptors for listeners, epoll, timers, the log, the control socket and probes.</summary>
    private const long ReservedDescriptors = 64;

    /// <summary>Every warning (docs/behaviour.md, Validation).</summary>
    public static IEnumerable<Finding> Of(Fields top, Option<Mode> mode, Option<Host> address,
        Option<Listener> listener, Option<Arr<BackendEntry>> backends, Option<Runtime> runtime, HostFacts facts) =>
    [
        .. SimpleWithRuntime(top, mode),
        .. address.AsEnumerable().SelectMany(host => Everywhere(top, host)),
        .. listener.AsEnumerable().SelectMany(on => backends.IfNone(Arr<BackendEntry>.Empty)
            .Where(backend => OwnListener.IsReachedBy(on, backend.Endpoint, facts))
            .Select(backend => Loop(on, backend))),
        .. runtime.AsEnumerable().SelectMany(r => HealthTimeout(r).Concat(Descriptors(top, r, facts))),
    ];

    private static IEnumerable<Finding> SimpleWithRuntime(Fields top, Option<Mode> mode) =>
        from simple in mode.Filter(m => m == Mode.Simple).AsEnumerable()
        from written in top.Find(ConfigKeys.Mode).AsEnumerable()
        from block in top.Find(ConfigKeys.RuntimeBlock).AsEnumerable()
        select Faults.Warning("simple_mode_with_runtime", written.Path, written.Value.At,
            $"mode is simple together with a runtime block (line {block.KeyAt.Line}); the values of the block apply",
            "remove the line 'mode: simple', or the runtime block if auto-tuning is meant");

    private static IEnumerable<Finding> Everywhere(Fields top, Host host)
    {
        if (host is not Host.Address address || !OwnListener.IsAny(address.Value))
            return [];
        var given = top.Find(ConfigKeys.BindAddress);
        return [Faults.Warning("listens_on_every_interface", ConfigKeys.BindAddress,
            given.Map(field => field.Value.At).IfNone(top.At),
            $"bind_address is {address}{(given.IsNone ? " (the default)" : "")}: "
                + "every interface of this machine accepts clients",
            "set bind_address to \"127.0.0.1\" or to the address of one interface, or let a firewall decide who may "
                + "connect")];
    }

    private static Finding Loop(Listener listener, BackendEntry backend) =>
        Faults.Warning("backend_is_own_listener", backend.Path, backend.At,
            $"{backend.Path} is {backend.Endpoint}, where bal itself listens ({listener}): "
                + "connections would go round in circles",
            "point it at the backend's own port, or change 'port' of bal");

    private static IEnumerable<Finding> HealthTimeout(Runtime runtime)
    {
        var (timeout, interval) = (runtime.Tuning.Health.Timeout, runtime.Tuning.Health.Interval);
        var given = runtime.Given.Find(RuntimeNumber.HealthTimeout) || runtime.Given.Find(RuntimeNumber.HealthInterval);
        return timeout.Milliseconds <= interval.Milliseconds ? [] : given.Map(field => Faults.Warning(
            "health_timeout_exceeds_interval", field.Path, field.Value.At,
            $"{RuntimeNumber.HealthTimeout} is {timeout.Milliseconds}, more than {RuntimeNumber.HealthInterval}, "
                + $"which is {interval.Milliseconds}: a backend that does not answer is probed less often than asked for",
            "choose a timeout of at most the interval")).AsEnumerable();
    }

    private static IEnumerable<Finding> Descriptors(Fields top, Runtime runtime, HostFacts facts)
    {
        var connections = runtime.Tuning.MaxConcurrentConnections;
        var needed = (connections * DescriptorsPerConnection) + ReservedDescriptors;
        var given = runtime.Given.Find(RuntimeNumber.MaxConnections);
        return facts.HardDescriptorLimit.Filter(hard => needed > hard).Map(hard => Faults.Warning(
            "connections_exceed_descriptors", runtime.Given.PathOf(RuntimeNumber.MaxConnections),
            given.Map(field => field.Value.At).IfNone(top.At),
            $"{RuntimeNumber.MaxConnections} is {connections}{(given.IsNone ? " (auto-tuned)" : "")}, which takes about "
                + $"{needed} file descriptors; the hard limit of {hard} allows "
                + $"{Math.Max(0, (hard - ReservedDescriptors) / DescriptorsPerConnection)} connections",
            "raise the hard limit (LimitNOFILE= in systemd, 'ulimit -Hn' in a shell), or lower the number")).AsEnumerable();
    }
}
