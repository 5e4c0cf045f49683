using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>What validation needs to know of the machine it runs on.</summary>
/// <param name="HardDescriptorLimit">The hard RLIMIT_NOFILE (getrlimit(2)); none where unlimited or unknown.</param>
/// <param name="LocalAddresses">The addresses of this machine's interfaces, loopback included.</param>
public sealed record HostFacts(Option<long> HardDescriptorLimit, Arr<System.Net.IPAddress> LocalAddresses)
{
    /// <summary>The machine's own name (gethostname(2)).</summary>
    public Option<string> HostName { get; init; }

    /// <summary>Usable cores: as many event loops run unless the file says otherwise.</summary>
    public int Processors { get; init; } = 1;

    /// <summary>Nothing is known.</summary>
    public static HostFacts Unknown => new(Option<long>.None, Arr<System.Net.IPAddress>.Empty);
}

/// <summary>What validation found: a configuration unless there is an error among the findings.</summary>
/// <param name="Config">The configuration; none if there is an error.</param>
/// <param name="Findings">Errors and warnings in the order of the file, at most 101: the last then counts the
/// rest.</param>
public sealed record ConfigOutcome(Option<BalConfig> Config, Arr<Finding> Findings)
{
    /// <summary>How many backends the file lists, valid or not; zero where it could not be read that far.</summary>
    public int BackendCount { get; init; }

    /// <summary>How many services the file lists, valid or not; zero where it could not be read that far.</summary>
    public int ServiceCount { get; init; }

    /// <summary>
    /// What the file descriptors of this machine allow; none where the file has an error, or nobody knows.
    /// </summary>
    public Option<ConnectionLimits> Limits { get; init; } = Option<ConnectionLimits>.None;

    /// <summary>The outcome of a file that could not be read at all.</summary>
    public static ConfigOutcome Unreadable(Finding why) => new(Option<BalConfig>.None, Prelude.Array(why));
}

/// <summary>Turns a raw document into a configuration, or into every reason why it is not one.</summary>
public static class ConfigValidation
{
    /// <summary>The port where the file gives none.</summary>
    public const int DefaultPort = 9295;

    /// <summary>Validates <paramref name="document"/>; total over every tree.</summary>
    public static ConfigOutcome Validate(RawNode document, HostFacts facts)
    {
        var top = Top(document);
        var services = top.Then(ServiceRules.All);
        var listed = services.Value.IfNone(Arr<Fields>.Empty);
        var backends = listed.Sum(BackendRules.CountOf);
        var read = ServiceRules.TooMany(listed.Count, backends, document.At).Match(
            Checked.Bad<BalConfig>,
            () => top.Value.Match(fields => Read(fields, listed, facts), () => Checked.None<BalConfig>())
                .With(services.Findings));
        var valid = !read.Findings.Exists(finding => finding.Severity == Severity.Error);
        return new(valid ? read.Value : Option<BalConfig>.None, FindingList.Of(read.Findings))
        {
            BackendCount = backends,
            ServiceCount = listed.Count,
            Limits = valid
                ? from config in read.Value
                  from hard in facts.HardDescriptorLimit
                  select ConnectionLimits.Of(config, hard, config.Threads.IfNone(facts.Processors))
                : Option<ConnectionLimits>.None,
        };
    }

    private static Checked<Fields> Top(RawNode document) => document switch
    {
        RawNode.Mapping mapping => Fields.Read(mapping, "", Settings.TopKeys, Settings.PlaceOf),
        var empty when Scalars.IsNull(empty) => Checked.Bad<Fields>(Faults.Error("empty_document", "", document.At,
            "the file is empty: expected at least 'backends'",
            "start from sample/config.yaml: port, and backends with host and port")),
        _ => Checked.Bad<Fields>(Faults.Unexpected("wrong_type", new Field("", document.At, document),
            "a mapping with at least 'backends'", "write lines of the form 'key: value', such as 'port: 9295'")),
    };

    private static Checked<BalConfig> Read(Fields top, Arr<Fields> services, HostFacts facts) =>
        TuningRules.Block(top, Settings.Runtime.Keys.Append(Settings.ProcessRuntimeKeys)).Then(runtime =>
            Settings.Process.Read(top).And(Settings.Process.Read(runtime), (outside, inside) => new { outside, inside })
                .And(ServiceRules.Read(top, runtime, services), (process, entries) =>
                    new { Config = process.inside.Apply(process.outside.Apply(Inferred(entries, top))), entries })
                .Map(read => new
                {
                    Config = read.Config with { Services = read.entries.Map(entry => entry.Config) },
                    read.entries,
                })
                .Then(read => Checked
                    .Good(read.Config)
                    .With(ListenerRules.Overlaps(read.entries))
                    .With(read.entries.Bind(service => new Arr<Finding>(ListenerRules.WithoutEffect(service))))
                    .With(read.entries.Bind(service => new Arr<Finding>(ServerNameLists.Repeated(service))))
                    .With(read.entries.Bind(service => new Arr<Finding>(SourceAddresses.Findings(service, facts))))
                    .With(read.entries.Bind(service => new Arr<Finding>(CheckRules.Findings(service))))
                    .With(TuningRules.Findings(read.entries))
                    .With(ConfigWarnings.Of(read.Config, top, read.entries, facts))));

    /// <summary>Every default; a file that tunes anything is advanced unless it says otherwise.</summary>
    private static BalConfig Inferred(Arr<ReadService> services, Fields top) =>
        Settings.Process.Defaults(1, Settings.BlankConfig) with
        {
            Mode = ConfigWarnings.RuntimeBlocks(top, services).Any() ? Mode.Advanced : Mode.Simple,
        };
}
