using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>The words of the file for the values of the enumerations: the only place where they stand.</summary>
public static class ConfigWords
{
    /// <summary>Every mode.</summary>
    public static Arr<Mode> Modes => new([Mode.Simple, Mode.Advanced]);

    /// <summary>Every method.</summary>
    public static Arr<Method> Methods => new([Method.RoundRobin]);

    /// <summary>Every log level, the least severe first.</summary>
    public static Arr<LogLevel> LogLevels => new([LogLevel.Debug, LogLevel.Info, LogLevel.Warn, LogLevel.Error]);

    /// <summary>Every overload policy.</summary>
    public static Arr<OverloadPolicy> OverloadPolicies => new([OverloadPolicy.Reject]);

    /// <summary>Every way of moving bytes.</summary>
    public static Arr<RelayMode> RelayModes => new([RelayMode.Auto, RelayMode.Copy, RelayMode.Splice]);

    /// <summary>The word of the file for <paramref name="mode"/>.</summary>
    public static string Of(Mode mode) => mode == Mode.Simple ? "simple" : "advanced";

    /// <summary>The word of the file, and of the status report, for <paramref name="method"/>.</summary>
    public static string Of(Method method) => method switch { Method.RoundRobin or _ => "round_robin" };

    /// <summary>The word of the file for <paramref name="level"/>.</summary>
    public static string Of(LogLevel level) => level switch
    {
        LogLevel.Debug => "debug",
        LogLevel.Info => "info",
        LogLevel.Warn => "warn",
        LogLevel.Error or _ => "error",
    };

    /// <summary>The word of the file for <paramref name="mode"/>.</summary>
    public static string Of(RelayMode mode) => mode switch
    {
        RelayMode.Copy => "copy",
        RelayMode.Splice => "splice",
        RelayMode.Auto or _ => "auto",
    };

    /// <summary>The word of the file for <paramref name="policy"/>.</summary>
    public static string Of(OverloadPolicy policy) => policy switch { OverloadPolicy.Reject or _ => "reject" };
}
