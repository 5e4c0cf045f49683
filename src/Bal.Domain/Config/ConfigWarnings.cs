using Bal.Domain.Admission;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// What works and is likely not meant. Each rule looks at what could be read, whatever is wrong elsewhere.
/// </summary>
internal static class ConfigWarnings
{
    /// <summary>The warnings about one key, or about the whole file.</summary>
    /// <param name="config">What could be read.</param>
    /// <param name="top">The document.</param>
    /// <param name="services">Its services.</param>
    /// <param name="facts">The machine.</param>
    public static IEnumerable<Finding> Of(
        BalConfig config, Fields top, Arr<ReadService> services, HostFacts facts) =>
    [
        .. SimpleWithRuntime(top, services),
        .. services.SelectMany(Everywhere),
        .. WebElsewhere(config, top),
        .. services.SelectMany(TrustsAll),
        .. services.SelectMany(NoWeight),
        .. Loops(services, facts),
        .. services.SelectMany(Backups),
        .. Descriptors(config, top, services, facts),
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
            "remove the line 'mode: simple', or the runtime block if you want auto-tuning");

    private static IEnumerable<Finding> Everywhere(ReadService service)
    {
        if (!service.Edits.Sound(Settings.BindAddress))
            return [];
        var given = service.Given.Find(Settings.BindAddress);
        return service.Config.Listener.Addresses
            .Where(host => host is Host.Address { Value: var ip } && OwnListeners.IsAny(ip)).Take(1)
            .Select(address => Faults.Warning(
                "listens_on_every_interface", service.Given.PathOf(Settings.BindAddress),
                given.Map(field => field.Value.At).IfNone(service.Given.At),
                $"{service.Given.PathOf(Settings.BindAddress)} is {address}{(given.IsNone ? " (the default)" : "")}: "
                    + "every interface of this machine accepts clients",
                "set bind_address to \"127.0.0.1\" or to the address of one interface, or let a firewall decide "
                    + "who may connect"));
    }

    private static IEnumerable<Finding> WebElsewhere(BalConfig config, Fields top) =>
        from web in config.Web.AsEnumerable()
        where !web.Listen.IsLocal
        from field in top.Find(Settings.Web).AsEnumerable()
        select Faults.Warning(
            "web_reachable_from_elsewhere", field.Path, field.Value.At,
            $"web is served on {web.Listen}: who can reach it sees every address and number of this bal, without a "
                + "password",
            "set it to 127.0.0.1 and let a proxy with a password pass it on, or let a firewall decide who may connect");

    // Whoever may write the header may be whom he likes.
    private static IEnumerable<Finding> TrustsAll(ReadService service) =>
        service.Config.Proxy.AcceptFrom.Networks.Networks.Any(network => network.Prefix == 0)
            ? service.Given.Find(Settings.Proxy).Map(field => Faults.Warning(
                "trusts_every_peer", field.Path, field.KeyAt,
                $"{field.Path}.{Settings.AcceptFrom} covers every address: any client can say that it is another",
                "list only the addresses of your own proxies")).AsEnumerable()
            : [];

    private static IEnumerable<Finding> NoWeight(ReadService service) =>
        service.Config.Backends.IsEmpty || service.Config.Backends.Exists(backend => backend.Weight > 0)
            ? []
            : service.Given.Find(Settings.Backends).Map(field => Faults.Warning(
                "no_backend_has_weight", field.Path, field.KeyAt,
                $"{field.Path}: every backend has weight 0, so that no client is served",
                "give at least one of them a weight from 1 to 256, or remove the lines")).AsEnumerable();

    private static IEnumerable<Finding> Loops(Arr<ReadService> services, HostFacts facts)
    {
        var own = new OwnListeners(
            services.Where(service => service.ListenerIsSound).Select(service => service.Config.Listener), facts);
        return services.SelectMany(service => service.Backends).SelectMany(backend =>
            own.ReachedBy(backend.Config.Endpoint).Map(listener => Faults.Warning(
                "backend_is_own_listener", backend.Path, backend.At,
                $"{backend.Path} is {backend.Config}, where bal itself listens ({listener}): "
                    + "connections would loop",
                "point it at the backend's own port, or change 'port' of bal")).AsEnumerable());
    }

    // A backup among backups is used always, and that may be meant nowhere.
    private static IEnumerable<Finding> Backups(ReadService service)
    {
        var backups = service.Backends.Count(backend => backend.Config.Backup);
        if (backups > 0 && backups == service.Backends.Count)
        {
            yield return Faults.Warning(
                "only_backups", service.Given.PathOf(Settings.Backends), service.Backends[0].At,
                $"{service.Given.PathOf(Settings.Backends)}: every backend is a backup, so that all of them are used "
                    + "always",
                $"remove '{Settings.Backup}' from those that are to be used first");
        }

        if (backups == 0 && service.Config.OnPrimaryUp == OpenConnections.Reset)
        {
            yield return Faults.Warning(
                "no_backups", service.Given.PathOf(Settings.OnPrimaryUp),
                service.Given.Find(Settings.OnPrimaryUp).Map(field => field.Value.At).IfNone(service.Given.At),
                $"{service.Given.PathOf(Settings.OnPrimaryUp)} has no effect: no backend is a backup",
                $"add '{Settings.Backup}: true' to a backend, or remove the line");
        }
    }

    private static IEnumerable<Finding> Descriptors(
        BalConfig config, Fields top, Arr<ReadService> services, HostFacts facts)
    {
        var given = services.Choose(service => service.Tuning.Find(Settings.MaxConnections)).HeadOrNone();
        var runtime = services.Count == 1 ? services[0].Tuning.Own.Given : top;
        return from hard in facts.HardDescriptorLimit.AsEnumerable()
               let limits = ConnectionLimits.Of(config, hard, config.Threads.IfNone(facts.Processors))
               where !services.IsEmpty && !limits.Suffices
               let least = DescriptorBudget.Least(config.Threads.IfNone(facts.Processors))
               let what = services.Count == 1
                   ? $"{Settings.MaxConnections} is {limits.Wanted}{(given.IsNone ? " (auto-tuned)" : "")}, which takes"
                   : $"{Settings.MaxConnections} of {services.Count} services is {limits.Wanted} in all, which takes"
               select Faults.Warning(
                   "connections_exceed_descriptors",
                   services.Count == 1 ? runtime.PathOf(Settings.MaxConnections) : Settings.Services,
                   given.Map(field => field.Value.At).IfNone(top.At),
                   $"{what} {limits.Needed} file descriptors; with the hard limit of {hard} bal "
                       + (hard < least
                           ? $"does not start: it needs {least}"
                           : $"serves at most {Plural.Of(limits.Allowed, "connection")}"),
                   "raise the hard limit (LimitNOFILE= in systemd, 'ulimit -Hn' in a shell), or lower the number");
    }
}
