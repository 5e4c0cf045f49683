using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using Bal.Infrastructure.Hosting;
using Bal.Infrastructure.Logging;
using Bal.Infrastructure.Process;
using Bal.Infrastructure.Systemd;
using LanguageExt;

namespace Bal.Cli;

/// <summary>What <c>start</c> hands to the balancer.</summary>
/// <param name="Home">The directory of this instance, which exists.</param>
/// <param name="Config">
/// Where the file is, every path absolute; a missing one is a problem for the balancer to state.
/// </param>
/// <param name="Readiness">To be told once connections are accepted; expected only in a daemon.</param>
/// <param name="Log">Open, at level info until the configuration says otherwise.</param>
/// <param name="Manager">Who is told by sd_notify(3).</param>
/// <param name="Takeover">The process that this one is to replace, if it is started for that.</param>
internal sealed record BalancerOptions(
    BalHome Home,
    ConfigLocation Config,
    Readiness Readiness,
    LogPipeline Log,
    ManagerEnvironment Manager,
    Option<Takeover> Takeover)
{
    /// <summary>A configuration in place of the file.</summary>
    internal Option<GivenConfig> Given { get; init; } = Option<GivenConfig>.None;

    /// <summary>Listening sockets that the service manager has opened.</summary>
    internal Arr<ActivatedSocket> Sockets { get; init; } = Arr<ActivatedSocket>.Empty;

    /// <summary>Whether it runs as a daemon.</summary>
    internal bool IsDaemon => Readiness.IsExpected || Takeover.Exists(t => t.IsDaemon);
}

/// <summary>From the command line to the serving process.</summary>
internal static class Balancer
{
    /// <summary>Runs until it is told to stop.</summary>
    /// <returns>An exit code, or why it could not start; the caller logs and reports the problem.</returns>
    internal static Either<Problem, int> Run(BalancerOptions options) => options.Given.IsSome
        ? Serve(options, "")
        : options.Config.Match(
            found: file => Serve(options, file.Path),
            missing: missing => CheckReport.ProblemOf(missing));

    private static Either<Problem, int> Serve(BalancerOptions options, string file) => Server.Run(new ServerOptions(
        options.Home, file, CommandLine.Version, options.Readiness, options.Log)
    {
        Given = options.Given,
        Manager = options.Manager,
        Takeover = options.Takeover,
        Sockets = options.Sockets,
        IsDaemon = options.IsDaemon,
    });
}
