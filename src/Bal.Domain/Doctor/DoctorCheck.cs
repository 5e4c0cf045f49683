using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Doctor;

/// <summary>How bad a check turned out, in ascending order.</summary>
public enum CheckLevel
{
    /// <summary>Nothing to do.</summary>
    Ok,

    /// <summary>Works, but worse than it should, or not for long.</summary>
    Warn,

    /// <summary>bal cannot start, or serves nobody.</summary>
    Critical,
}

/// <summary>
/// One thing that doctor examined. By construction a check that is not ok carries its problem, and one that is ok
/// carries none.
/// </summary>
public sealed record DoctorCheck
{
    private DoctorCheck(string name, CheckLevel level, string summary, Option<string> note, Option<Problem> problem) =>
        (Name, Level, Summary, Note, Problem) = (name, level, summary, note, problem);

    /// <summary>A stable name: see <see cref="CheckName"/>.</summary>
    public string Name { get; }

    /// <summary>How bad it is.</summary>
    public CheckLevel Level { get; }

    /// <summary>What was found, in one line.</summary>
    public string Summary { get; }

    /// <summary>Advice that leaves the level at ok, such as a warning of the configuration.</summary>
    public Option<string> Note { get; }

    /// <summary>The three lines; present exactly when the level is not ok.</summary>
    public Option<Problem> Problem { get; }

    /// <summary>What to do, as the JSON form gives it.</summary>
    public Option<string> Hint => Problem.Match(Some: p => Prelude.Some(p.DoThisNow), None: () => Note);

    /// <summary>A check without a fault.</summary>
    public static DoctorCheck Ok(string name, string summary) =>
        new(name, CheckLevel.Ok, summary, Option<string>.None, Option<Problem>.None);

    /// <summary>A check without a fault, with advice.</summary>
    public static DoctorCheck OkWithNote(string name, string summary, string note) =>
        new(name, CheckLevel.Ok, summary, Prelude.Some(note), Option<Problem>.None);

    /// <summary>A fault that leaves bal working.</summary>
    public static DoctorCheck Warn(string name, Problem problem) =>
        new(name, CheckLevel.Warn, problem.WhatHappened, Option<string>.None, Prelude.Some(problem));

    /// <summary>A fault that keeps bal from starting or serving.</summary>
    public static DoctorCheck Critical(string name, Problem problem) =>
        new(name, CheckLevel.Critical, problem.WhatHappened, Option<string>.None, Prelude.Some(problem));
}

/// <summary>The stable names of the checks, which scripts rely on.</summary>
public static class CheckName
{
    /// <summary>The configuration file.</summary>
    public const string Config = "config";

    /// <summary>The directory BAL_HOME.</summary>
    public const string Home = "home";

    /// <summary>The PID file.</summary>
    public const string Pid = "pid";

    /// <summary>The control socket.</summary>
    public const string Control = "control";

    /// <summary>A listener's address; one entry per service.</summary>
    public const string Bind = "bind";

    /// <summary>A backend; one entry per backend.</summary>
    public const string Backend = "backend";

    /// <summary>File descriptors.</summary>
    public const string Limits = "limits";

    /// <summary>The listen backlog.</summary>
    public const string Backlog = "backlog";

    /// <summary>Ports for outgoing connections.</summary>
    public const string Ports = "ports";

    /// <summary>Pipes for splicing.</summary>
    public const string Pipes = "pipes";

    /// <summary>The user.</summary>
    public const string User = "user";

    /// <summary>The log file.</summary>
    public const string Log = "log";

    /// <summary>The file that decisions are recorded in; only where the configuration names one.</summary>
    public const string DecisionLog = "decision_log";

    /// <summary>The file that connections are logged in; only where the configuration names one.</summary>
    public const string AccessLog = "access_log";
}
