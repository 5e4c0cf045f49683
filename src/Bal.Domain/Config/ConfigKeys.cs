using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>The names of the keys, by the mapping they belong to, in the order in which they are printed.</summary>
internal static class ConfigKeys
{
    public const string Mode = "mode";
    public const string Port = "port";
    public const string BindAddress = "bind_address";
    public const string Method = "method";
    public const string LogLevel = "log_level";
    public const string DecisionLog = "decision_log";
    public const string Backends = "backends";
    public const string RuntimeBlock = "runtime";
    public const string Host = "host";
    public const string OverloadPolicy = "overload_policy";
    public const string Threads = "threads";
    public const string Relay = "relay";

    public static Arr<string> Top { get; } =
        new([Mode, Port, BindAddress, Method, LogLevel, DecisionLog, Backends, RuntimeBlock]);

    public static Arr<string> Backend { get; } = new([Host, Port]);

    public static Arr<string> Runtime { get; } =
        new(RuntimeNumber.All.Select(number => number.Key).Append(OverloadPolicy).Append(Relay).Append(Threads));
}
