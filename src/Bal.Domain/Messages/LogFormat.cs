namespace Bal.Domain.Messages;

/// <summary>How log lines are written.</summary>
public enum LogFormat
{
    /// <summary>Text on a terminal, else JSON.</summary>
    Auto,

    /// <summary>Lines for people: time, level, part of bal, and what happened.</summary>
    Text,

    /// <summary>One JSON object a line.</summary>
    Json,
}
