namespace Bal.Domain.Messages;

/// <summary>How much a finding matters.</summary>
public enum Severity
{
    /// <summary>Works, but is likely not meant; an error under <c>--strict</c>.</summary>
    Warning,

    /// <summary>The configuration cannot be used.</summary>
    Error,
}

/// <summary>One problem in a configuration.</summary>
/// <param name="Severity">Error or warning.</param>
/// <param name="Code">A stable snake_case name of the kind of problem, such as <c>unknown_key</c>.</param>
/// <param name="Path">The key, such as <c>backends[1].port</c>; empty for the document.</param>
/// <param name="At">Where it stands in the file.</param>
/// <param name="Message">What is wrong: the value seen and what is allowed.</param>
/// <param name="Hint">What to do about it; empty where the message says all.</param>
public sealed record Finding(
    Severity Severity, string Code, string Path, SourcePosition At, string Message, string Hint);
