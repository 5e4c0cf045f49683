using Bal.Domain.Diagnostics;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>What validation needs to know of the machine it runs on.</summary>
/// <param name="HardDescriptorLimit">The hard RLIMIT_NOFILE (getrlimit(2)); none where unlimited or unknown.</param>
/// <param name="LocalAddresses">The addresses of this machine's interfaces, loopback included.</param>
public sealed record HostFacts(Option<long> HardDescriptorLimit, Arr<System.Net.IPAddress> LocalAddresses)
{
    /// <summary>Nothing is known.</summary>
    public static HostFacts Unknown => new(Option<long>.None, Arr<System.Net.IPAddress>.Empty);
}

/// <summary>What validation found: a configuration unless there is an error among the findings.</summary>
/// <param name="Config">The configuration; none if there is an error.</param>
/// <param name="Findings">Errors and warnings in the order of the file.</param>
public sealed record ConfigOutcome(Option<BalConfig> Config, Arr<Finding> Findings);

/// <summary>Turns a raw document into a configuration, or into every reason why it is none.</summary>
public static class ConfigValidation
{
    /// <summary>Validates <paramref name="document"/>; total over every tree.</summary>
    public static ConfigOutcome Validate(RawNode document, HostFacts facts) =>
        new(Option<BalConfig>.None, Arr<Finding>.Empty);
}
