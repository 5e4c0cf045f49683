using Bal.Domain.Admission;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Config;

/// <summary>
/// Fills the lists of a configuration with what their files have. Each file is read once, however many lists name it.
/// </summary>
internal sealed class ListFiles
{
    private readonly Dictionary<string, NetworkSet> read = [];
    private readonly List<Finding> findings = [];
    private int left;

    /// <summary>What is wrong with the files of what has been filled.</summary>
    public Arr<Finding> Findings => new(findings);

    /// <summary>The configuration with the content of its files.</summary>
    public BalConfig Fill(BalConfig config)
    {
        if (!config.Services.Exists(HasFiles))
            return config;
        left = NetworkSet.Most - config.Services.Sum(s => s.Access.Allow.Given.Ranges + s.Access.Deny.Given.Ranges);
        return config with { Services = config.Services.Map(Fill) };
    }

    /// <summary>A service with the content of its files, within the number that its configuration allows.</summary>
    public Service Fill(Service service) => HasFiles(service)
        ? service with { Access = new(Fill(service.Access.Allow), Fill(service.Access.Deny)) }
        : service;

    private static bool HasFiles(Service service) =>
        !service.Access.Allow.Files.IsEmpty || !service.Access.Deny.Files.IsEmpty;

    private AccessList Fill(AccessList list) => list.Files.Count switch
    {
        0 => list,
        1 => list with { InFiles = Of(list.Files[0]) },
        _ => list with { InFiles = NetworkSet.Of(list.Files.SelectMany(file => Of(file).Networks)) },
    };

    private NetworkSet Of(string path)
    {
        if (read.TryGetValue(path, out var known))
            return known;
        var networks = NetworkSet.Empty;
        RegularFile.Read(path, NetworkFile.MaxBytes).Match(
            bytes =>
            {
                var outcome = NetworkFile.Read(path, bytes, left);
                (networks, left) = (outcome.Networks, left - outcome.Count);
                findings.AddRange(outcome.Findings);
            },
            fault => findings.Add(ConfigLoader.Unreadable(path, fault, "a list of networks", NetworkFile.MaxBytes)));
        return read[path] = networks;
    }
}
