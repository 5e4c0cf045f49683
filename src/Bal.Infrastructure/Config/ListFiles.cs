using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Config;

/// <summary>
/// Fills a configuration with what its files have: lists of networks, and what health checks send. Each file is read
/// once, however often it is named.
/// </summary>
internal sealed class ListFiles
{
    private readonly Dictionary<string, NetworkSet> read = [];
    private readonly Dictionary<string, Octets> said = [];
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

    /// <summary>The configuration with what its health checks send.</summary>
    public BalConfig FillSecrets(BalConfig config) =>
        config with { Services = config.Services.Map(service => service.With(Read)) };

    /// <summary>A service with the content of its files, within the number that its configuration allows.</summary>
    public Service Fill(Service service) => HasFiles(service)
        ? service with { Access = new(Fill(service.Access.Allow), Fill(service.Access.Deny)) }
        : service;

    private Secret Read(Secret secret) => secret.File.Match(path => secret.With(Said(path)), () => secret);

    private Octets Said(string path)
    {
        if (said.TryGetValue(path, out var known))
            return known;
        var octets = Octets.Empty;
        RegularFile.Read(path, Secret.MaxBytes).Match(
            bytes => octets = Octets.Of(bytes),
            fault => findings.Add(fault.Reason == FileFaultReason.TooLarge
                ? Unfit(path, "file_too_large", $"has {fault.Detail}", "name a file with what is to be sent")
                : ConfigLoader.Unreadable(path, fault, "what a health check sends")));
        if (FileFacts.Of(path, follow: true) is { IsReadByOthers: true })
            findings.Add(Unfit(path, "file_readable_by_others", "may be read by every user", $"run 'chmod o= {path}'"));
        else if (octets.Length == 0 && findings.Count == 0)
            findings.Add(Unfit(path, "file_empty", "is empty", "write what is to be sent into it"));
        return said[path] = octets;
    }

    private static Finding Unfit(string path, string code, string what, string hint) => new(
        Severity.Error, code, "", SourcePosition.None, $"{path}, which a health check sends (send_file), {what}", hint);

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
