using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The form of a configuration. The words and the names of the numbers are those of the file.</summary>
internal static class ConfigCodec
{
    public static readonly Codec<Host> Host = new(
        (json, host) => json.WriteStringValue(host.ToString()),
        json => Scalar.Text.Read(json).Bind(text => HostSyntax.Read(text).Match<Decoded<Host>>(
            Right: host => host,
            Left: fault => new CodecFault("", $"{HostSyntax.Allowed} belongs here: {fault.Reason}"))));

    public static readonly Codec<Endpoint> Endpoint = Codec.Object<Endpoint>(
        (json, endpoint) =>
        {
            json.Put("host", Host, endpoint.Host);
            json.Put("port", Scalar.Port, endpoint.Port);
        },
        json =>
            from host in json.Get("host", Host)
            from port in json.Get("port", Scalar.Port)
            select new Endpoint(host, port));

    public static readonly Codec<RelayMode> Relay = Codec.Words(ConfigWords.RelayModes, ConfigWords.Of);

    public static readonly Codec<LogLevel> Level = Codec.Words(ConfigWords.LogLevels, ConfigWords.Of);

    private static readonly Codec<Mode> Modes = Codec.Words(ConfigWords.Modes, ConfigWords.Of);

    private static readonly Codec<Method> Methods = Codec.Words(ConfigWords.Methods, ConfigWords.Of);

    private static readonly Codec<OverloadPolicy> Overload = Codec.Words(ConfigWords.OverloadPolicies, ConfigWords.Of);

    private static readonly Codec<Option<int>> Threads = Codec.Maybe(Scalar.Integer(1, 1_024));

    public static readonly Codec<BackendConfig> Backend =
        Endpoint.Wrap<BackendConfig>(backend => backend.Endpoint, endpoint => new BackendConfig(endpoint));
    private static readonly Codec<Arr<BackendConfig>> Backends =
        Codec.List(Backend).Where(list => !list.IsEmpty, "at least one backend belongs here");

    private static readonly Codec<Tuning> Policies = Codec.Object<Tuning>(
        (json, tuning) =>
        {
            foreach (var number in RuntimeNumber.All)
                json.WriteNumber(number.Key, number.Get(tuning));
            json.Put(ConfigKeys.OverloadPolicy, Overload, tuning.OverloadPolicy);
            json.Put(ConfigKeys.Relay, Relay, tuning.Relay);
        },
        json =>
            from overload in json.Get(ConfigKeys.OverloadPolicy, Overload)
            from relay in json.Get(ConfigKeys.Relay, Relay)
            from tuning in RuntimeNumber.All.Fold(
                Decoded<Tuning>.Of(Tuning.For(1) with { OverloadPolicy = overload, Relay = relay }),
                (soFar, number) => soFar.Bind(tuning => json
                    .Get(number.Key, Scalar.Integer(number.Range.Least, number.Range.Most))
                    .Map(value => number.Set(tuning, value))))
            select tuning);

    public static readonly Codec<Service> Service = Codec.Object<Service>(
        (json, service) =>
        {
            json.Put("name", Scalar.Text, service.Name);
            json.Put("bind_address", Host, service.Listener.BindAddress);
            json.Put("port", Scalar.Port, service.Listener.Port);
            json.Put("method", Methods, service.Method);
            json.Put("backends", Backends, service.Backends);
            json.Put("runtime", Policies, service.Tuning);
        },
        json =>
            from name in json.Get("name", Scalar.Text)
            from address in json.Get("bind_address", Host)
            from port in json.Get("port", Scalar.Port)
            from method in json.Get("method", Methods)
            from backends in json.Get("backends", Backends)
            from tuning in json.Get("runtime", Policies)
            select new Service(name, new Listener(address, port), method, backends, tuning));

    private static readonly Codec<Arr<Service>> Services =
        Codec.List(Service).Where(list => !list.IsEmpty, "at least one service belongs here");

    private static readonly Codec<Option<string>> DecisionLog = Codec.Maybe(Scalar.Text);

    public static readonly Codec<BalConfig> Config = Codec.Object<BalConfig>(
        (json, config) =>
        {
            json.Put("mode", Modes, config.Mode);
            json.Put("log_level", Level, config.LogLevel);
            json.Put("threads", Threads, config.Threads);
            json.Put("decision_log", DecisionLog, config.DecisionLog);
            json.Put("services", Services, config.Services);
        },
        json =>
            from mode in json.Get("mode", Modes)
            from level in json.Get("log_level", Level)
            from threads in json.Get("threads", Threads)
            from decisions in json.Get("decision_log", DecisionLog)
            from services in json.Get("services", Services)
            select new BalConfig(mode, level, threads, services) { DecisionLog = decisions });
}
