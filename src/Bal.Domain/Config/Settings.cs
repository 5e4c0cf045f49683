using System.Net;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
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
    public const string HostKey = "host";
    public const string Unix = "unix";
    public const string SocketMode = "socket_mode";
    public const string SourceAddresses = "source_addresses";
    public const string Freebind = "freebind";
    public const string Threads = "threads";
    public const string HealthCheck = "health_check";
    public const string Exchange = "exchange";
    public const string MethodKey = "method";
    public const string Backup = "backup";
    public const string OnPrimaryUp = "on_primary_up";
    public const string ServerNames = "server_names";
    public const string Proxy = "proxy_protocol";
    public const string Web = "web";
    public const string AcceptFrom = "accept_from";
    public const string ConnectionsPerClient = "max_connections_per_client";

    private static Kind<Option<int>> PerClient { get; } = Kinds.Optional(Kinds.Integer(new(1, 1_000_000, "")));

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
        Setting.Of<BalConfig, LogFormat>("log_format", Kinds.Word<LogFormat>(), [LogFormat.Auto],
            c => c.LogFormat, (c, v) => c with { LogFormat = v },
            "How log lines are written: `text` for people, `json`, or `auto`, which is text on a terminal. "
                + "`--log-format` of `start` wins."),
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
                + "directory of the configuration."),
        Setting.Of<BalConfig, Option<string>>("access_log", Kinds.File, [Option<string>.None],
            c => c.AccessLog, (c, v) => c with { AccessLog = v },
            "The file that gets a line of JSON for each connection when it ends, or `\"-\"`, with its quotes, for "
                + "standard output (not with `start -d`); a relative path starts at the directory of the "
                + "configuration."),
        Setting.Of<BalConfig, Option<WebConfig>>(Web, WebRules.Kind, [Option<WebConfig>.None],
            c => c.Web, (c, v) => c with { Web = v },
            "Where a page and metrics for Prometheus are served, by a process of its own: an address with a port, "
                + "`unix:/path`, or a mapping of `listen` and `hosts`.") with
        {
            DefaultText = "nowhere",
        },
        Setting.Of<BalConfig, int>("stop_delay_ms", Kinds.Ms, [0],
            c => (int)c.StopDelay.Milliseconds, (c, v) => c with { StopDelay = new(v) },
            "How long new clients are still accepted after a stop request; `bal ready` fails from the request on."),
        Setting.Of<BalConfig, int>("drain_timeout_ms", Kinds.Ms, [30_000],
            c => (int)c.DrainTimeout.Milliseconds, (c, v) => c with { DrainTimeout = new(v) },
            "How long open connections may then take to end; what is left is cut evenly over the last 5 s, or the "
                + "last half if that is shorter; 0 cuts at once."));

    /// <summary>The keys of a health check.</summary>
    public static SettingTable<HealthCheck> OfHealthCheck { get; } = new(
        Setting.Of<HealthCheck, CheckType>(
            "type", Kinds.Word<CheckType>(), [Backend.HealthCheck.Default.Type],
            c => c.Type, (c, v) => c with { Type = v },
            "`tcp` connects and resets before the handshake completes, so that the server does not notice; `tcp_full` "
                + "is a whole connection, closed at once; `exchange` says something and expects an answer; `http` "
                + "sends a request. The last two ask: such a check alone says what is up."),
        Setting.Of<HealthCheck, Option<int>>(Port, Kinds.Optional(Kinds.Port), [Option<int>.None],
            c => c.Port, (c, v) => c with { Port = v },
            "Another port of the same host, which is asked instead; then, too, the check alone says what is up.") with
        {
            DefaultText = "that of the backend",
        },
        Setting.Of<HealthCheck, Arr<ExchangeStep>>(Exchange, CheckKinds.Steps, [Arr<ExchangeStep>.Empty],
            c => c.Exchange, (c, v) => c with { Exchange = v },
            "With `exchange`: the steps, in order. Each has `send` (or `send_hex`, `send_file`), `expect` (or "
                + "`expect_start`, `expect_hex`, `expect_start_hex`), or both.") with
        {
            DefaultText = "none",
        },
        OfHttp("path", CheckKinds.Path, h => h, (h, v) => h with { Path = v.Path, Query = v.Query },
            "With `http`: what is asked for, with a query or without.", "`/`"),
        OfHttp("method", CheckKinds.Method, h => h.Method, (h, v) => h with { Method = v },
            "With `http`: the method.", "`GET`"),
        Setting.Of<HealthCheck, Option<string>>("host", CheckKinds.HostHeader, [Option<string>.None],
            c => c.Http.Host, (c, v) => c with { Http = c.Http with { Host = v } },
            "With `http`: the Host header.") with
        {
            DefaultText = "host and port of the backend",
        },
        Setting.Of<HealthCheck, Arr<int>>("status", CheckKinds.Statuses, [Arr<int>.Empty],
            c => c.Http.Status, (c, v) => c with { Http = c.Http with { Status = v } },
            "With `http`: the statuses that are well. Redirects are not followed.") with
        {
            DefaultText = "200 to 399",
        });

    private static Setting<HealthCheck> OfHttp<T>(
        string key, Kind<Option<T>> kind, Func<HttpQuestion, T> get, Func<HttpQuestion, T, HttpQuestion> set,
        string meaning, string otherwise) =>
        Setting.Of<HealthCheck, Option<T>>(key, kind, [Option<T>.None],
            c => c.Type == CheckType.Http ? Option<T>.Some(get(c.Http)) : Option<T>.None,
            (c, v) => v.Match(value => c with { Http = set(c.Http, value) }, () => c), meaning) with
        {
            DefaultText = otherwise,
        };

    /// <summary>A health check.</summary>
    public static Kind<HealthCheck> Check { get; } = Kinds.Block(OfHealthCheck, Backend.HealthCheck.Default);

    /// <summary>The keys of <c>proxy_protocol</c>.</summary>
    public static SettingTable<ProxyProtocol> OfProxy { get; } = new(
        Setting.Of<ProxyProtocol, TrustedPeers>(AcceptFrom, AccessLists.Peers, [TrustedPeers.None],
            p => p.AcceptFrom, (p, v) => p with { AcceptFrom = v },
            "Peers that begin with a PROXY header, v1 or v2, and are who it says: addresses, networks, and `unix` for "
                + "whoever comes through a Unix socket. All others are taken as they are.") with
        {
            DefaultText = "nobody",
        },
        Setting.Of<ProxyProtocol, ProxyVersion>("send", Kinds.Word<ProxyVersion>(), [ProxyVersion.None],
            p => p.Send, (p, v) => p with { Send = v },
            "The header that every backend gets as soon as it is connected, with the client's address."));

    /// <summary>The keys of a service, beside its backends and its <c>runtime</c>.</summary>
    public static SettingTable<Service> OfService { get; } = new(
        Setting.Of<Service, Arr<Host>>(BindAddress, Kinds.Hosts, [Prelude.Array<Host>(new Host.Address(IPAddress.Any))],
            s => s.Listener.Addresses, (s, v) => s with { Listener = s.Listener.On(v) },
            "Where clients connect: an address or a local name, a Unix socket as `unix:/path`, or a list of them; `::` "
                + "accepts IPv4 as well, unless `0.0.0.0` is in the list too."),
        Setting.Of<Service, Option<int>>(Port, Kinds.Optional(Kinds.Port), [ConfigValidation.DefaultPort],
            s => s.Listener.IsUnixOnly ? Option<int>.None : s.Listener.Port,
            (s, v) => s with { Listener = s.Listener with { Port = v.IfNone(0) } },
            "The port that clients connect to; required for each service under `services`, unless it listens on Unix "
                + "sockets alone, which have none."),
        Setting.Of<Service, int>(SocketMode, UnixPaths.Mode, [Service.DefaultSocketMode],
            s => s.SocketMode, (s, v) => s with { SocketMode = v },
            "Who may connect to the Unix sockets of `bind_address`, as chmod(1) writes it: to connect takes the "
                + "permission to write."),
        Setting.Of<Service, bool>(Freebind, Kinds.Flag, [false],
            s => s.Freebind, (s, v) => s with { Freebind = v },
            "Whether an address of `bind_address` may be one that this machine does not have yet, such as a virtual "
                + "address that keepalived moves here."),
        Setting.Of<Service, Arr<ServerName>>(ServerNames, ServerNameLists.Kind, [Arr<ServerName>.Empty],
            s => s.ServerNames, (s, v) => s with { ServerNames = v },
            "The names by which TLS clients ask for this service (SNI), so that several services can have the same "
                + "address: host names, or `*.example.org`, in quotes, for one label before a name.") with
        {
            DefaultText = "every client that asks for none of the others",
        },
        Setting.Of<Service, Method>(MethodKey, Kinds.Word<Method>(), [Method.RoundRobin],
            s => s.Method, (s, v) => s with { Method = v },
            "How a backend is chosen: by turns; the fewest connections for its weight; the better of two drawn by "
                + "weight; or by the client's address, always the same one."),
        Setting.Of<Service, Arr<IPAddress>>(
            SourceAddresses, Config.SourceAddresses.Kind, [Arr<IPAddress>.Empty],
            s => s.SourceAddresses, (s, v) => s with { SourceAddresses = v },
            "The addresses of this machine that connections to backends come from, by turns, each with local ports of "
                + "its own.") with
        {
            DefaultText = "as the kernel chooses",
        },
        Setting.Of<Service, HealthCheck>(HealthCheck, Check, [Backend.HealthCheck.Default],
            s => s.HealthCheck, (s, v) => s with { HealthCheck = v },
            "How backends are checked; `runtime` says how often."),
        Setting.Of<Service, OpenConnections>("on_backend_down", Kinds.Word<OpenConnections>(), [OpenConnections.Keep],
            s => s.OnBackendDown, (s, v) => s with { OnBackendDown = v },
            "What happens to the open connections of a backend that goes down: `reset` ends them, on both sides."),
        Setting.Of<Service, OpenConnections>(OnPrimaryUp, Kinds.Word<OpenConnections>(), [OpenConnections.Keep],
            s => s.OnPrimaryUp, (s, v) => s with { OnPrimaryUp = v },
            "What happens to the open connections of backups when a primary is up again."),
        Setting.Of<Service, ProxyProtocol>(Proxy, Kinds.Block(OfProxy, ProxyProtocol.Off), [ProxyProtocol.Off],
            s => s.Proxy, (s, v) => s with { Proxy = v },
            "Whose PROXY headers are believed, and who gets one."),
        Setting.Of<Service, AccessList>("allow", AccessLists.Kind, [AccessList.None],
            s => s.Access.Allow, (s, v) => s with { Access = s.Access with { Allow = v } },
            "The only clients that may connect: addresses, networks, `unix` for whoever comes through a Unix socket, "
                + "and `{file: NAME}` for a file with one a line.") with
        {
            DefaultText = "everybody",
        },
        Setting.Of<Service, AccessList>("deny", AccessLists.Kind, [AccessList.None],
            s => s.Access.Deny, (s, v) => s with { Access = s.Access with { Deny = v } },
            "Clients that may not, whatever `allow` says; written in the same way.") with
        {
            DefaultText = "nobody",
        },
        Setting.Of<Service, Option<int>>(ConnectionsPerClient, PerClient, [Option<int>.None],
            s => s.ClientLimits.Connections,
            (s, v) => s with { ClientLimits = s.ClientLimits with { Connections = v } },
            "How many connections one client has at once: an IPv4 address, or all of an IPv6 /64.") with
        {
            DefaultText = "no limit",
        },
        Setting.Of<Service, Option<int>>("max_connection_rate_per_client", PerClient, [Option<int>.None],
            s => s.ClientLimits.Rate, (s, v) => s with { ClientLimits = s.ClientLimits with { Rate = v } },
            "How many new connections one client may begin a second, and as many at once after a pause.") with
        {
            DefaultText = "no limit",
        });

    /// <summary>The keys of a backend.</summary>
    public static SettingTable<BackendConfig> OfBackend { get; } = new(
        Setting.Of<BackendConfig, Option<Host>>(HostKey, Kinds.Optional(Kinds.Host), [Option<Host>.None],
            b => b.Endpoint.IsUnix ? Option<Host>.None : b.Endpoint.Host,
            (b, v) => v.Match(host => b with { Endpoint = b.Endpoint with { Host = host } }, () => b),
            "Where the backend is.") with
        {
            DefaultText = "required, unless `unix` is given",
        },
        Setting.Of<BackendConfig, Option<int>>(Port, Kinds.Optional(Kinds.Port), [Option<int>.None],
            b => b.Endpoint.IsUnix ? Option<int>.None : b.Endpoint.Port,
            (b, v) => v.Match(port => b with { Endpoint = b.Endpoint with { Port = port } }, () => b),
            "The port that it listens on.") with
        {
            DefaultText = "required, unless `unix` is given",
        },
        Setting.Of<BackendConfig, Option<string>>(Unix, UnixPaths.Kind, [Option<string>.None],
            b => b.Endpoint.Host is Host.Unix unix ? unix.Path : Option<string>.None,
            (b, v) => v.Match(
                path => b with { Endpoint = Endpoint.Unix(path) },
                () => b.Endpoint.IsUnix ? b with { Endpoint = new(new Host.Name(""), 0) } : b),
            "The path of the Unix socket that it listens on, in place of `host` and `port`.") with
        {
            DefaultText = "none",
        },
        Setting.Of<BackendConfig, int>("weight", Kinds.Integer(new(0, 256, "")), [1],
            b => b.Weight, (b, v) => b with { Weight = v },
            "Its share of the clients relative to the others; 0 for no new clients, not even as a last resort."),
        Setting.Of<BackendConfig, bool>(Backup, Kinds.Flag, [false],
            b => b.Backup, (b, v) => b with { Backup = v },
            "Whether it is used only while every backend without `backup` is down, drained or of weight 0."),
        Setting.Of<BackendConfig, Option<int>>("max_connections", Kinds.Optional(Kinds.Integer(new(1, 1_000_000, ""))),
            [Option<int>.None], b => b.MaxConnections, (b, v) => b with { MaxConnections = v },
            "How many connections it has at once, connects in progress included; while every usable backend is full, "
                + "clients wait (`queue_limit`).") with
        {
            DefaultText = "no limit",
        },
        Setting.Of<BackendConfig, Option<HealthCheck>>(HealthCheck, Kinds.Optional(Check), [Option<HealthCheck>.None],
            b => b.HealthCheck, (b, v) => b with { HealthCheck = v },
            "How this backend is checked, instead of as its service says.") with
        {
            DefaultText = "that of the service",
        },
        Setting.Of<BackendConfig, Option<ProxyVersion>>(
            Proxy, Kinds.Optional(Kinds.Word<ProxyVersion>()), [Option<ProxyVersion>.None],
            b => b.ProxyProtocol, (b, v) => b with { ProxyProtocol = v },
            "The PROXY header that this backend gets, instead of what its service says.") with
        {
            DefaultText = "that of the service",
        });

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
            Add(OfHealthCheck.Keys, "under 'health_check:'");
            Add(OfProxy.Keys, "under 'proxy_protocol:'");
            Add(CheckKinds.OfStep.Keys, "to a step, in an item of 'exchange:'");
            Add(WebRules.Table.Keys, "under 'web:'");
        }

        private static void Add(Arr<string> keys, string place)
        {
            foreach (var key in keys)
                ByKey.TryAdd(key, place);
        }
    }
}
