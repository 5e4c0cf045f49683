using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Who named the configuration file.</summary>
public enum ConfigSource
{
    /// <summary>The argument <c>--config</c>.</summary>
    Argument,

    /// <summary>The environment variable <c>BAL_CONFIG</c>.</summary>
    Environment,

    /// <summary><c>config.yaml</c> in <c>BAL_HOME</c>.</summary>
    Home,

    /// <summary><c>/etc/bal/config.yaml</c>.</summary>
    System,
}

/// <summary>Where the configuration file is (docs/behaviour.md, Finding the configuration).</summary>
public abstract record ConfigLocation
{
    /// <summary>The place that is looked at last.</summary>
    public const string SystemPath = "/etc/bal/config.yaml";

    /// <summary>The name of the file in <c>BAL_HOME</c>.</summary>
    public const string FileName = "config.yaml";

    private ConfigLocation() { }

    /// <summary>There is a file.</summary>
    /// <param name="Path">As it was given; a relative one still has to be resolved.</param>
    /// <param name="Source">Who named it.</param>
    public sealed record Found(string Path, ConfigSource Source) : ConfigLocation;

    /// <summary>There is none.</summary>
    /// <param name="LookedAt">The paths that were tried, in order, at least one.</param>
    /// <param name="Source">Who named the last of them: an explicit path is never replaced by another place.</param>
    public sealed record Missing(Arr<string> LookedAt, ConfigSource Source) : ConfigLocation;

    /// <summary>Applies the function of the case that this is.</summary>
    public T Match<T>(Func<Found, T> found, Func<Missing, T> missing) => this switch
    {
        Found f => found(f),
        Missing m => missing(m),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>
    /// Finds the file. One named by <paramref name="argument"/> or <paramref name="environment"/> is used or missing;
    /// only
    /// without both are the default places looked at. An empty value of the environment variable counts as unset.
    /// </summary>
    /// <param name="argument">The value of <c>--config</c>.</param>
    /// <param name="environment">The value of <c>BAL_CONFIG</c>.</param>
    /// <param name="home">The directory <c>BAL_HOME</c>, its default already applied.</param>
    /// <param name="exists">Whether there is anything at a path, readable or not: what is wrong with it is for the
    /// reader to
    /// say.</param>
    public static ConfigLocation Find(
        Option<string> argument, Option<string> environment, string home, Func<string, bool> exists) =>
        argument.Match(
            path => Explicit(path, ConfigSource.Argument, exists),
            () => environment.Filter(path => path.Length > 0).Match(
                path => Explicit(path, ConfigSource.Environment, exists),
                () => Default(home.TrimEnd('/') + "/" + FileName, exists)));

    private static ConfigLocation Explicit(string path, ConfigSource source, Func<string, bool> exists) =>
        exists(path) ? new Found(path, source) : new Missing(Prelude.Array(path), source);

    private static ConfigLocation Default(string inHome, Func<string, bool> exists) =>
        exists(inHome) ? new Found(inHome, ConfigSource.Home)
        : exists(SystemPath) ? new Found(SystemPath, ConfigSource.System)
        : new Missing(Prelude.Array(inHome, SystemPath), ConfigSource.System);
}
