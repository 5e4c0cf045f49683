using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Cli;

/// <summary>What the commands get from outside, put together once and by hand.</summary>
/// <param name="Variable">The environment.</param>
/// <param name="Directory">The directory that relative paths mean: the current one, read before anything changes
/// it.</param>
/// <param name="Out">Data.</param>
/// <param name="Error">Diagnostics.</param>
internal sealed record CompositionRoot(Func<string, string?> Variable, string Directory, Output Out, Output Error)
{
    /// <summary>The surroundings of this process.</summary>
    internal static CompositionRoot ForThisProcess()
    {
        Func<string, string?> variable = Environment.GetEnvironmentVariable;
        var (output, error) = (Output.Standard(error: false, variable), Output.Standard(error: true, variable));
        return new(variable, CurrentDirectory(), output, error);
    }

    /// <summary>The directory of this instance; nothing is created.</summary>
    internal Either<Problem, BalHome> Home() => BalHome.Locate(Variable, Directory);

    /// <summary>Where the configuration is by the search order, every path made absolute at once.</summary>
    /// <param name="home">The directory of this instance.</param>
    /// <param name="argument">The value of <c>--config</c>.</param>
    internal ConfigLocation Config(BalHome home, Option<string> argument) => ConfigLocation.Find(
        argument.Map(Absolute), NonEmpty("BAL_CONFIG").Map(Absolute), home.Root, Exists);

    /// <summary>An environment variable made absolute; none where it is unset or empty.</summary>
    internal Option<string> AbsoluteVariable(string name) => NonEmpty(name).Map(Absolute);

    /// <summary>A path made absolute against the directory that the command was called in.</summary>
    internal string Absolute(string path) => Path.GetFullPath(path, Directory);

    /// <summary>
    /// Says why there is no report: where a person reads, in the report's place; where a program reads JSON, beside it.
    /// </summary>
    internal int Unreported(Problem problem, ReportForm form)
    {
        (form == ReportForm.Json ? Error : Out).Problem(problem);
        return ExitCode.Failure;
    }

    private Option<string> NonEmpty(string name) =>
        Variable(name) is { Length: > 0 } value ? Option<string>.Some(value) : Option<string>.None;

    // Readable or not: what is wrong with a file is for the reader to say, also that it lies where this user may not
    // look.
    private static bool Exists(string path)
    {
        try
        {
            return new FileInfo(path) is var file
                && (file.Exists || file.LinkTarget is not null || (int)file.UnixFileMode != -1);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            return true;
        }
    }

    // A directory that was deleted under the shell has no name; then only absolute paths mean something.
    private static string CurrentDirectory()
    {
        try
        {
            return System.IO.Directory.GetCurrentDirectory();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "/";
        }
    }
}
