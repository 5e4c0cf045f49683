namespace Bal.Domain.Messages;

/// <summary>Severity of a log line, in ascending order.</summary>
public enum LogLevel
{
    /// <summary>Every failed check and client connect, also where it changes nothing.</summary>
    Debug,

    /// <summary>State changes and life cycle.</summary>
    Info,

    /// <summary>Something an operator should look at.</summary>
    Warn,

    /// <summary>Something that failed.</summary>
    Error,
}
