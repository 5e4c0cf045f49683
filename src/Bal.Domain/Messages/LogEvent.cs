using LanguageExt;

namespace Bal.Domain.Messages;

/// <summary>
/// One line of the log as data: the core says what happened, the shell writes it (docs/behaviour.md, Logs).
/// </summary>
/// <param name="Level">How much it matters.</param>
/// <param name="Module">The part of bal that says it, in snake_case, such as <c>health</c>.</param>
/// <param name="Event">A stable snake_case name of the kind of event, such as <c>backend_down</c>.</param>
/// <param name="Message">One English sentence for a person; nothing that a script would have to parse.</param>
/// <param name="Fields">The facts for a script; where a name repeats, the last one counts.</param>
public sealed record LogEvent(LogLevel Level, string Module, string Event, string Message, Arr<LogField> Fields)
{
    /// <summary>An event of level <c>debug</c>.</summary>
    public static LogEvent Debug(string module, string name, string message, params LogField[] fields) =>
        new(LogLevel.Debug, module, name, message, new Arr<LogField>(fields));

    /// <summary>An event of level <c>info</c>.</summary>
    public static LogEvent Info(string module, string name, string message, params LogField[] fields) =>
        new(LogLevel.Info, module, name, message, new Arr<LogField>(fields));

    /// <summary>An event of level <c>warn</c>.</summary>
    public static LogEvent Warn(string module, string name, string message, params LogField[] fields) =>
        new(LogLevel.Warn, module, name, message, new Arr<LogField>(fields));

    /// <summary>An event of level <c>error</c>.</summary>
    public static LogEvent Error(string module, string name, string message, params LogField[] fields) =>
        new(LogLevel.Error, module, name, message, new Arr<LogField>(fields));

    /// <summary>An event of level <c>error</c> that carries the three lines and the code of a problem.</summary>
    public static LogEvent Failure(string module, string name, Problem problem) =>
        Error(module, name, problem.WhatHappened,
            LogField.Of("code", problem.Code),
            LogField.Of("what_happened", problem.WhatHappened),
            LogField.Of("why_likely", problem.WhyLikely),
            LogField.Of("do_this_now", problem.DoThisNow));
}

/// <summary>One named fact of a log line.</summary>
/// <param name="Name">A snake_case name, stable for the event.</param>
/// <param name="Value">The fact.</param>
public sealed record LogField(string Name, LogValue Value)
{
    /// <summary>A text.</summary>
    public static LogField Of(string name, string value) => new(name, new LogValue.Text(value));

    /// <summary>A number; the name includes the unit, such as <c>delay_ms</c>.</summary>
    public static LogField Of(string name, long value) => new(name, new LogValue.Number(value));

    /// <summary>Yes or no.</summary>
    public static LogField Of(string name, bool value) => new(name, new LogValue.Flag(value));

    /// <summary>A fact that is not there, written as <c>null</c>.</summary>
    public static LogField None(string name) => new(name, LogValue.Absent);

    /// <summary>A text that may be missing.</summary>
    public static LogField Of(string name, Option<string> value) =>
        value.Match(text => Of(name, text), () => None(name));
}

/// <summary>The value of a fact in a log line.</summary>
public abstract record LogValue
{
    private LogValue() { }

    /// <summary>The one value of <see cref="Nothing"/>.</summary>
    public static LogValue Absent { get; } = new Nothing();

    /// <summary>Any text; the writer makes it safe.</summary>
    /// <param name="Value">The text.</param>
    public sealed record Text(string Value) : LogValue;

    /// <summary>A whole number.</summary>
    /// <param name="Value">The number.</param>
    public sealed record Number(long Value) : LogValue;

    /// <summary>Yes or no.</summary>
    /// <param name="Value">Whether it holds.</param>
    public sealed record Flag(bool Value) : LogValue;

    /// <summary>No value.</summary>
    public sealed record Nothing : LogValue;

    /// <summary>Applies the function of the case that this value is.</summary>
    public T Match<T>(Func<string, T> text, Func<long, T> number, Func<bool, T> flag, Func<T> nothing) => this switch
    {
        Text t => text(t.Value),
        Number n => number(n.Value),
        Flag f => flag(f.Value),
        Nothing => nothing(),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
