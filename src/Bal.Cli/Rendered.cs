namespace Bal.Cli;

/// <summary>A report that is ready to be printed.</summary>
/// <param name="Text">The text or JSON, its last newline included.</param>
/// <param name="Level">How bad it is.</param>
internal sealed record Rendered(string Text, ReportLevel Level);

/// <summary>How bad things are.</summary>
internal enum ReportLevel
{
    /// <summary>Nothing to do.</summary>
    Ok,

    /// <summary>Something to look at.</summary>
    Warn,

    /// <summary>Something to act on; for <c>status</c> also: stopped.</summary>
    Critical,
}
