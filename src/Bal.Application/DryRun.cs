using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Application;

/// <summary>What a reload would do, without doing it.</summary>
/// <param name="ConfigVersion">The version in force, which stays.</param>
/// <param name="Problem">Why it would be refused; none where it would be applied.</param>
/// <param name="Findings">Errors and warnings of the file.</param>
/// <param name="Preview">What would change; none where the file cannot be used.</param>
public sealed record DryRunAnswer(
    long ConfigVersion, Option<Problem> Problem, Arr<Finding> Findings, Option<ReloadPreview> Preview)
{
    /// <summary>Whether it would be applied.</summary>
    public bool WouldApply => Problem.IsNone;
}

/// <summary>Decides like a reload, on the same file and state, and changes nothing.</summary>
public static class DryRun
{
    /// <summary>What a reload would do.</summary>
    /// <param name="readConfig">Reads and validates the file that a reload would read.</param>
    /// <param name="rehearse">Why a configuration could not be served; none where it could.</param>
    /// <param name="view">What is being served.</param>
    public static DryRunAnswer Of(
        Func<Either<ConfigRefusal, ConfigReading>> readConfig,
        Func<BalConfig, Option<Problem>> rehearse,
        SupervisorView view)
    {
        var version = view.State.ConfigVersion;
        return view.State.Phase is not Phase.Running
            ? new DryRunAnswer(version, SupervisorLoop.Stopping, Arr<Finding>.Empty, Option<ReloadPreview>.None)
            : ConfigReadings.Guarded(readConfig).Match(
                Right: reading => new DryRunAnswer(
                    version,
                    rehearse(reading.Config),
                    reading.Warnings,
                    ReloadPreviews.Of(reading.Config, view.Traffic, view.State)),
                Left: refusal => new DryRunAnswer(
                    version, refusal.Problem, refusal.Findings, Option<ReloadPreview>.None));
    }
}
