using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
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
/// <param name="Findings">Errors and warnings in the order of the file, at most 101: the last then counts the
/// rest.</param>
public sealed record ConfigOutcome(Option<BalConfig> Config, Arr<Finding> Findings)
{
    /// <summary>How many backends the file lists, valid or not; zero where it could not be read that far.</summary>
    public int BackendCount { get; init; }

    /// <summary>The outcome of a file that could not be read at all.</summary>
    public static ConfigOutcome Unreadable(Finding why) => new(Option<BalConfig>.None, Prelude.Array(why));
}

/// <summary>Turns a raw document into a configuration, or into every reason why it is none.</summary>
public static class ConfigValidation
{
    /// <summary>The port where the file gives none.</summary>
    public const int DefaultPort = 9295;

    /// <summary>Validates <paramref name="document"/>; total over every tree.</summary>
    public static ConfigOutcome Validate(RawNode document, HostFacts facts)
    {
        var top = Top(document);
        var config = top.Then(fields => Read(fields, facts));
        var valid = !config.Findings.Any(finding => finding.Severity == Severity.Error);
        return new(valid ? config.Value : Option<BalConfig>.None, FindingList.Of(config.Findings))
        {
            BackendCount = top.Value.Map(BackendRules.CountOf).IfNone(0),
        };
    }

    private static Checked<Fields> Top(RawNode document) => document switch
    {
        RawNode.Mapping mapping => Fields.Read(mapping, "", ConfigKeys.Top),
        var empty when Scalars.IsNull(empty) => Checked.Bad<Fields>(Faults.Error("empty_document", "", document.At,
            "the file is empty; required is at least 'backends'",
            "start from sample/config.yaml: port, and backends with host and port")),
        _ => Checked.Bad<Fields>(Faults.Error("wrong_type", "", document.At,
            $"the file is {Shown.Value(document)} as a whole; required is a mapping with at least 'backends'",
            "write lines of the form 'key: value', such as 'port: 9295'")),
    };

    private static Checked<BalConfig> Read(Fields top, HostFacts facts)
    {
        var mode = top.Find(ConfigKeys.Mode).Match(
            field => Scalars.Choice(field, ConfigWords.Modes, ConfigWords.Of),
            () => Checked.Good(top.Find(ConfigKeys.RuntimeBlock).IsSome ? Mode.Advanced : Mode.Simple));
        var level = Choice(top, ConfigKeys.LogLevel, ConfigWords.LogLevels, ConfigWords.Of, LogLevel.Info);
        var method = Choice(top, ConfigKeys.Method, ConfigWords.Methods, ConfigWords.Of, Method.RoundRobin);
        var decisions = top.Find(ConfigKeys.DecisionLog).Match(
            field => Scalars.FilePath(field).Map(Option<string>.Some), () => Checked.Good(Option<string>.None));
        var address = top.Find(ConfigKeys.BindAddress).Match(
            BackendRules.HostOf,
            () => Checked.Good<Host>(new Host.Address(System.Net.IPAddress.Any)));
        var port = top.Find(ConfigKeys.Port).Match(
            field => Scalars.Integer(field, IntRange.Port),
            () => Checked.Good(DefaultPort));
        var listener = address.And(port, (host, number) => new Listener(host, number));
        var backends = BackendRules.Read(top);
        var runtime = RuntimeRules.Read(top, BackendRules.CountOf(top));

        var service = listener.And(method, (where, how) => new { where, how })
            .And(backends, (s, entries) => new { s.where, s.how, to = entries.Map(entry => new BackendConfig(entry.Endpoint)) })
            .And(runtime, (s, r) => new
            {
                r.Threads,
                Service = new Service(Service.DefaultName, s.where, s.how, s.to, r.Tuning),
            });
        return mode.And(level, (m, l) => new { m, l })
            .And(decisions, (c, path) => new { c.m, c.l, path })
            .And(service, (c, s) => new BalConfig(c.m, c.l, s.Threads, Prelude.Array(s.Service))
            {
                DecisionLog = c.path,
            })
            .With(ConfigWarnings.Of(top, mode.Value, address.Value, listener.Value, backends.Value, runtime.Value,
                facts));
    }

    private static Checked<T> Choice<T>(Fields top, string key, Arr<T> all, Func<T, string> word, T otherwise) =>
        top.Find(key).Match(field => Scalars.Choice(field, all, word), () => Checked.Good(otherwise));
}
