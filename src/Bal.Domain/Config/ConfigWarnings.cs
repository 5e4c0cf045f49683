using Bal.Domain.Messages;
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

    /// <summary>The warnings about one key, or about the whole file.</summary>
    public static IEnumerable<Finding> Of(Fields top, Arr<ReadService> services, HostFacts facts) =>
    [
        .. SimpleWithRuntime(top, services),
        .. services.SelectMany(Everywhere),
        .. Loops(services, facts),
        .. Descriptors(top, services, facts),
    ];

    /// <summary>Every <c>runtime</c> block of the file.</summary>
    public static IEnumerable<Field> RuntimeBlocks(Fields top, Arr<ReadService> services) => services
        .Select(service => service.Given).Where(given => given != top).Prepend(top)
        .SelectMany(given => given.Find(Settings.RuntimeBlock).AsEnumerable());

    private static IEnumerable<Finding> SimpleWithRuntime(Fields top, Arr<ReadService> services) =>
        from written in top.Find(Settings.Mode).AsEnumerable()
        where written.Value is RawNode.Scalar { Text: var word } && word == Words.Of(Mode.Simple)
        from block in RuntimeBlocks(top, services).Take(1)
        select Faults.Warning("simple_mode_with_runtime", written.Path, written.Value.At,
            $"mode is simple together with a runtime block (line {block.KeyAt.Line}); the values of the block apply",
            "remove the line 'mode: simple', or the runtime block if auto-tuning is meant");

    private static IEnumerable<Finding> Everywhere(ReadService service)
    {
        if (!service.Edits.Sound(Settings.BindAddress))
            return [];
        var given = service.Given.Find(Settings.BindAddress);
        return service.Config.Listener.Addresses
            .Where(host => host is Primitives.Host.Address { Value: var ip } && OwnListeners.IsAny(ip)).Take(1)
            .Select(address => Faults.Warning(
                "listens_on_every_interface", service.Given.PathOf(Settings.BindAddress),
                given.Map(field => field.Value.At).IfNone(service.Given.At),
                $"{service.Given.PathOf(Settings.BindAddress)} is {address}{(given.IsNone ? " (the default)" : "")}: "
                    + "every interface of this machine accepts clients",
                "set bind_address to \"127.0.0.1\" or to the address of one interface, or let a firewall decide "
                    + "who may connect"));
    }

    private static IEnumerable<Finding> Loops(Arr<ReadService> services, HostFacts facts)
    {
        var own = new OwnListeners(
            services.Where(service => service.ListenerIsSound).Select(service => service.Config.Listener), facts);
        return services.SelectMany(service => service.Backends).SelectMany(backend =>
            own.ReachedBy(backend.Config.Endpoint).Map(listener => Faults.Warning(
                "backend_is_own_listener", backend.Path, backend.At,
                $"{backend.Path} is {backend.Config}, where bal itself listens ({listener}): "
                    + "connections would go round in circles",
                "point it at the backend's own port, or change 'port' of bal")).AsEnumerable());
    }

    private static IEnumerable<Finding> Descriptors(Fields top, Arr<ReadService> services, HostFacts facts)
    {
        var connections = services.Sum(service => (long)service.Config.Tuning.MaxConcurrentConnections);
        var needed = (connections * DescriptorsPerConnection) + ReservedDescriptors;
        var given = services.Choose(service => service.Tuning.Find(Settings.MaxConnections)).HeadOrNone();
        var runtime = services.Count == 1 ? services[0].Tuning.Own.Given : top;
        var what = services.Count == 1
            ? $"{Settings.MaxConnections} is {connections}{(given.IsNone ? " (auto-tuned)" : "")}, which takes"
            : $"{Settings.MaxConnections} of {services.Count} services is {connections} in all, which takes";
        return facts.HardDescriptorLimit.Filter(hard => needed > hard).Map(hard => Faults.Warning(
            "connections_exceed_descriptors",
            services.Count == 1 ? runtime.PathOf(Settings.MaxConnections) : Settings.Services,
            given.Map(field => field.Value.At).IfNone(top.At),
            $"{what} about {needed} file descriptors; the hard limit of {hard} allows "
                + $"{Math.Max(0, (hard - ReservedDescriptors) / DescriptorsPerConnection)} connections",
            "raise the hard limit (LimitNOFILE= in systemd, 'ulimit -Hn' in a shell), or lower the number"))
            .AsEnumerable();
    }
}
