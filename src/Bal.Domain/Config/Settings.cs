using System.Net;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// Every key of the configuration, each in one row. Reading, hints, printing, the reload diff, the hand-over, the JSON
/// Schema and the documentation all come from here: a key that has its row is known to all of them.
/// </summary>
internal static partial class Settings
{
    public const string Services = "services";
    public const string Backends = "backends";
    public const string RuntimeBlock = "runtime";
    public const string Mode = "mode";
    public const string BindAddress = "bind_address";
    public const string Port = "port";
    public const string Threads = "threads";

    /// <summary>The keys of the whole process.</summary>
    public static SettingTable<BalConfig> Process { get; } = new(
        Setting.Of<BalConfig, Mode>(Mode, Kinds.Word<Mode>(), [Config.Mode.Simple],
            c => c.Mode, (c, v) => c with { Mode = v },
            "Says whether the file tunes anything under `runtime`; it changes nothing.") with
        {
            DefaultText = "`advanced` where `runtime` is present, else `simple`",
        },
        Setting.Of<BalConfig, LogLevel>("log_level", Kinds.Word<LogLevel>(), [LogLevel.Info],
            c => c.LogLevel, (c, v) => c with { LogLevel = v },
            "The least severe level that is logged."),
        Setting.Of<BalConfig, Option<int>>(Threads, Kinds.IntegerOr("auto", new(1, 1_024, "")), [Option<int>.None],
            c => c.Threads, (c, v) => c with { Threads = v },
            "How many event loops run; `auto` is one for each usable core.") with
        {
            AtRestart = true,
            InRuntime = true,
        },
        Setting.Of<BalConfig, Option<string>>("decision_log", Kinds.File, [Option<string>.None],
            c => c.DecisionLog, (c, v) => c with { DecisionLog = v },
            "The file that every decision is recorded in, for `bal replay`; a relative path starts at the "
                + "directory of the configuration."));

    /// <summary>The keys of a service, beside its backends and its <c>runtime</c>.</summary>
    public static SettingTable<Service> OfService { get; } = new(
        Setting.Of<Service, Arr<Host>>(BindAddress, Kinds.Hosts, [Prelude.Array<Host>(new Host.Address(IPAddress.Any))],
            s => s.Listener.Addresses, (s, v) => s with { Listener = s.Listener with { Addresses = v } },
            "Where clients connect: an address or a local name, or a list of them; `::` accepts IPv4 as well, unless "
                + "`0.0.0.0` is in the list too."),
        Setting.Of<Service, int>(Port, Kinds.Port, [ConfigValidation.DefaultPort],
            s => s.Listener.Port, (s, v) => s with { Listener = s.Listener with { Port = v } },
            "The port that clients connect to; required for each service under `services`."),
        Setting.Of<Service, Method>("method", Kinds.Word<Method>(), [Method.RoundRobin],
            s => s.Method, (s, v) => s with { Method = v },
            "How a backend is chosen."));

    /// <summary>The keys of a backend.</summary>
    public static SettingTable<BackendConfig> OfBackend { get; } = new(
        Setting.Of<BackendConfig, Host>("host", Kinds.Host, [],
            b => b.Endpoint.Host, (b, v) => b with { Endpoint = b.Endpoint with { Host = v } },
            "Where the backend is."),
        Setting.Of<BackendConfig, int>(Port, Kinds.Port, [],
            b => b.Endpoint.Port, (b, v) => b with { Endpoint = b.Endpoint with { Port = v } },
            "The port that it listens on."));

    /// <summary>A configuration, a service and a backend before any key has set them.</summary>
    public static BalConfig BlankConfig { get; } =
        new(Config.Mode.Simple, LogLevel.Info, Option<int>.None, Arr<Service>.Empty);

    public static Service BlankService { get; } = new(
        Service.DefaultName, new Listener(Arr<Host>.Empty, 0), Method.RoundRobin, Arr<BackendConfig>.Empty,
        Tuning.Blank);

    public static BackendConfig BlankBackend { get; } = new(new Endpoint(new Host.Name(""), 0));

    /// <summary>The keys of the process that stand at the top level, and those under <c>runtime</c>.</summary>
    public static Arr<string> ProcessKeys { get; } = Process.Rows.Filter(row => !row.InRuntime).Map(row => row.Key);

    public static Arr<string> ProcessRuntimeKeys { get; } =
        Process.Rows.Filter(row => row.InRuntime).Map(row => row.Key);

    /// <summary>Everything that a service has.</summary>
    public static Arr<string> ServiceKeys { get; } = OfService.Keys.Append(Prelude.Array(Backends, RuntimeBlock));

    /// <summary>Everything that may stand at the top level.</summary>
    public static Arr<string> TopKeys { get; } = ProcessKeys.Append(ServiceKeys).Append(Prelude.Array(Services));

    /// <summary>Where a key belongs that stands in a mapping that does not know it.</summary>
    public static Option<string> PlaceOf(string key) =>
        Places.ByKey.TryGetValue(key, out var place) ? $"'{key}' belongs {place}" : Option<string>.None;

    // A class of its own, since the tables of a class in several files are made in no certain order.
    private static class Places
    {
        public static readonly Dictionary<string, string> ByKey = [];

        static Places()
        {
            Add(ProcessKeys.Add(Services), "at the top level");
            Add(ProcessRuntimeKeys, "under 'runtime:' at the top level");
            Add(Runtime.Keys, "under 'runtime:', indented by two spaces");
            Add(ServiceKeys, "to a service, beside its 'backends:'");
            Add(OfBackend.Keys, "to a backend, in an item of 'backends:'");
        }

        private static void Add(Arr<string> keys, string place)
        {
            foreach (var key in keys)
                ByKey.TryAdd(key, place);
        }
    }
}
