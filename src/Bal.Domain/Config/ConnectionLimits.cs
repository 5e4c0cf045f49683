using Bal.Domain.Admission;
using Bal.Domain.Primitives;

namespace Bal.Domain.Config;

/// <summary>
/// How many connections a configuration may have with the file descriptors that there are. Check, doctor and start all
/// judge by it.
/// </summary>
/// <param name="Wanted">The sum of <c>max_concurrent_connections</c> as configured.</param>
/// <param name="Allowed">The connections that there are descriptors for, of all services together.</param>
/// <param name="Needed">The limit of open files with which every service would have what it wants.</param>
/// <param name="Budget">How the descriptors are divided.</param>
public sealed record ConnectionLimits(long Wanted, long Allowed, long Needed, DescriptorBudget Budget)
{
    /// <summary>The limits of a configuration.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="descriptors">The limit of open files; <see cref="long.MaxValue"/> for none.</param>
    /// <param name="loops">How many event loops serve it.</param>
    public static ConnectionLimits Of(BalConfig config, long descriptors, int loops)
    {
        var budget = Divide(config, DescriptorBudget.Of(descriptors, loops, 0, 0));
        // Of a name nobody knows yet how many addresses it has.
        var sockets = loops * config.Addresses.Count;
        var wanted = config.Services.Sum(service => (long)service.Tuning.WantedConnections);
        return new(
            wanted,
            Math.Max(1, budget.ConnectionsBeside(sockets)),
            Divide(config, DescriptorBudget.Of(long.MaxValue, loops, 0, 0)).Needed(wanted, sockets),
            budget);
    }

    /// <summary>The descriptors of a budget divided for a configuration.</summary>
    public static DescriptorBudget Divide(BalConfig config, DescriptorBudget budget) => budget.For(
        config.Services.Sum(service => service.Backends.Count),
        config.Services.Sum(service => service.Backends.Count(backend => backend.Endpoint.Host is Host.Name)));

    /// <summary>Whether every service can have what it wants, all of them at once.</summary>
    public bool Suffices => Wanted <= Allowed;

    /// <summary>What may be in flight beside the connections, in one line.</summary>
    public string InFlight => $"at most {Plural.Of(Budget.Probes, "health check")} and "
        + $"{Plural.Of(DescriptorBudget.MostLookups, "name lookup")} at once";

    /// <summary>
    /// The configuration as it is in force: no service has a limit that descriptors do not allow. What was configured
    /// is kept beside it, so that applying this again, with other descriptors, starts from there.
    /// </summary>
    public BalConfig InForce(BalConfig config) => config with
    {
        Services = config.Services.Map(service => service with { Tuning = InForce(service.Tuning) }),
    };

    private Tuning InForce(Tuning tuning) => tuning with
    {
        MaxConcurrentConnections = (int)Math.Min(tuning.WantedConnections, Allowed),
        ConfiguredConnections = tuning.WantedConnections > Allowed
            ? tuning.WantedConnections : LanguageExt.Option<int>.None,
    };
}
