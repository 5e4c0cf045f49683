using System.Text;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.Json;
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

    /// <summary>
    /// The directory of the instance that a command asks: where BAL_HOME is unset and nothing runs in ~/.bal, that of
    /// the packaged unit if it runs, which is noted on stderr.
    /// </summary>
    internal Either<Problem, BalHome> AskedHome()
    {
        var own = Home();
        if (NonEmpty("BAL_HOME").IsSome || own.Exists(home => Runs(home) || home == BalHome.OfUnit)
            || !Runs(BalHome.OfUnit))
            return own;
        Error.Write($"note: BAL_HOME is unset{own.Match(home => $" and no bal runs in {home.Root}", _ => "")}; "
            + $"this is about the system service, BAL_HOME={BalHome.OfUnit.Root}\n");
        return BalHome.OfUnit;
    }

    private static bool Runs(BalHome home) => PidFile.Inspect(home.PidFile) is PidFileState.Held;

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
    /// Says why there is no report, in the report's place; where a program reads JSON, for a person beside it as well.
    /// </summary>
    internal int Unreported(Problem problem, ReportForm form)
    {
        if (form == ReportForm.Json)
        {
            Out.Write(Encoding.UTF8.GetString(ExplainJson.Write(problem)));
            Error.Problem(problem);
        }
        else
        {
            Out.Problem(problem);
        }

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
