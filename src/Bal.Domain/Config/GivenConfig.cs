using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// A configuration of one service that the command line gives in place of a file: <c>--listen</c> and
/// <c>--backend</c>.
/// </summary>
/// <param name="Listen"><c>ADDR:PORT</c>; the defaults of a file where it is not given.</param>
/// <param name="Backends"><c>HOST:PORT</c> each.</param>
public sealed record GivenConfig(Option<string> Listen, Arr<string> Backends)
{
    /// <summary>What stands in place of a file's path.</summary>
    public const string Place = "the command line";

    /// <summary>A path as people read it: what stands in its place where it is empty.</summary>
    public static string PlaceOf(string path) => path.Length > 0 ? path : Place;

    /// <summary>The arguments that give it again.</summary>
    public Arr<string> Arguments => new(
        [.. Listen.AsEnumerable().SelectMany(address => (string[])["--listen", address]),
        .. Backends.SelectMany(address => (string[])["--backend", address])]);

    /// <summary>Why a file is needed to change anything while bal runs.</summary>
    public static Problem Fixed => new(
        "no_config_file",
        "nothing was changed: this bal was started with --backend and has no file to read again",
        "it was started for a quick try, or by a script",
        "write a file with 'bal init', run 'bal stop', then 'bal start -d'");

    /// <summary>The same as a file would say it, with the same findings.</summary>
    /// <param name="facts">The machine.</param>
    public ConfigOutcome Validate(HostFacts facts) => Listen.Match(
        Some: listen => listen.StartsWith(Host.Unix.Prefix, StringComparison.Ordinal)
            ? ConfigValidation.Validate(Document([Raw.Entry(Settings.BindAddress, listen)]), facts)
            : HostSyntax.Split(listen).Match(
            parts => ConfigValidation.Validate(Document([
                Raw.Entry(Settings.Port, Raw.Word(parts.Port)), Raw.Entry(Settings.BindAddress, parts.Host)]), facts),
            () => ConfigOutcome.Unreadable(Faults.Error(
                "invalid_listener", "", SourcePosition.None,
                $"--listen: expected ADDR:PORT or unix:/PATH, found {Shown.Text(listen)}",
                "write 127.0.0.1:9295, or \"[::1]:9295\" for IPv6"))),
        None: () => ConfigValidation.Validate(Document([]), facts));

    private RawNode Document(RawEntry[] listener) => Raw.Map(
        [.. listener, Raw.Entry(Settings.Backends, Raw.List([.. Backends.Select(Raw.Text)]))]);
}
