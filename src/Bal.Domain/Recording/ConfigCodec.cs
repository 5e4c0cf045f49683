using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The form of a configuration. The words and the names of the numbers are those of the file.</summary>
internal static class ConfigCodec
{
    public static readonly Codec<Host> Host = new(
        (walk, host) => walk.Json.WriteStringValue(host.ToString()),
        (walk, json) => HostSyntax.Read(Scalar.TextOf(json) ?? "").Match(
            Right: host => host,
            Left: fault => walk.Fail<Host>($"expected {HostSyntax.Allowed}: {fault.Reason}")));

    public static readonly Codec<Endpoint> Endpoint = Codec.Object<Endpoint>(m => new(
        m.Of("host", Host, e => e.Host),
        m.Of("port", Scalar.Port, e => e.Port)));

    public static readonly Codec<RelayMode> Relay = Codec.Words(ConfigWords.RelayModes, ConfigWords.Of);

    public static readonly Codec<LogLevel> Level = Codec.Words(ConfigWords.LogLevels, ConfigWords.Of);

    private static readonly Codec<Mode> Modes = Codec.Words(ConfigWords.Modes, ConfigWords.Of);

    private static readonly Codec<Method> Methods = Codec.Words(ConfigWords.Methods, ConfigWords.Of);

    private static readonly Codec<OverloadPolicy> Overload = Codec.Words(ConfigWords.OverloadPolicies, ConfigWords.Of);

    private static readonly Codec<Option<int>> Threads = Codec.Maybe(Scalar.Integer(1, 1_024));

    private static readonly Codec<Option<string>> DecisionLog = Codec.Maybe(Scalar.Text);

    public static readonly Codec<BackendConfig> Backend =
        Endpoint.Wrap<BackendConfig>(backend => backend.Endpoint, endpoint => new BackendConfig(endpoint));

    private static readonly Codec<Arr<BackendConfig>> Backends =
        Codec.List(Backend).Where(list => !list.IsEmpty, "at least one backend");

    private static readonly Codec<Tuning> Policies = Codec.Object<Tuning>(m => RuntimeNumber.All.Fold(
        Tuning.For(1) with
        {
            OverloadPolicy = m.Of(ConfigKeys.OverloadPolicy, Overload, t => t.OverloadPolicy),
            Relay = m.Of(ConfigKeys.Relay, Relay, t => t.Relay),
        },
        (tuning, number) => number.Set(tuning, m.Of(
            number.Key, Scalar.Integer(number.Range.Least, number.Range.Most), t => (int)number.Get(t)))));

    public static readonly Codec<Service> Service = Codec.Object<Service>(m => new(
        m.Of("name", Scalar.Text, s => s.Name),
        new Listener(
            m.Of("bind_address", Host, s => s.Listener.BindAddress),
            m.Of("port", Scalar.Port, s => s.Listener.Port)),
        m.Of("method", Methods, s => s.Method),
        m.Of("backends", Backends, s => s.Backends),
        m.Of("runtime", Policies, s => s.Tuning)));

    private static readonly Codec<Arr<Service>> Services =
        Codec.List(Service).Where(list => !list.IsEmpty, "at least one service");

    public static readonly Codec<BalConfig> Config = Codec.Object<BalConfig>(m => new(
        m.Of("mode", Modes, c => c.Mode),
        m.Of("log_level", Level, c => c.LogLevel),
        m.Of("threads", Threads, c => c.Threads),
        m.Of("services", Services, c => c.Services))
    {
        DecisionLog = m.Of("decision_log", DecisionLog, c => c.DecisionLog),
    });
}
