using Bal.Domain.Config;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Application;

/// <summary>A configuration that can be used.</summary>
/// <param name="Config">The configuration.</param>
/// <param name="Warnings">What else was found.</param>
public sealed record ConfigReading(BalConfig Config, Arr<Finding> Warnings);

/// <summary>A configuration that cannot be used.</summary>
/// <param name="Problem">Why, in three lines.</param>
/// <param name="Findings">Every error and warning.</param>
public sealed record ConfigRefusal(Problem Problem, Arr<Finding> Findings);

/// <summary>Reads the configuration of a process that serves.</summary>
public static class ConfigReadings
{
    /// <summary>
    /// The result of <paramref name="readConfig"/>. If a bug makes reading throw, the file is treated as invalid, so
    /// that the running process goes on with its configuration.
    /// </summary>
    public static Either<ConfigRefusal, ConfigReading> Guarded(Func<Either<ConfigRefusal, ConfigReading>> readConfig)
    {
        try
        {
            return readConfig();
        }
        catch (Exception fault)
        {
            return new ConfigRefusal(
                new Problem(
                    "internal_error",
                    $"the configuration could not be read: {fault.Message}",
                    "this is a bug in bal, which keeps serving with its current configuration",
                    "undo the last change of the file, and report it with the file"),
                Arr<Finding>.Empty);
        }
    }
}
