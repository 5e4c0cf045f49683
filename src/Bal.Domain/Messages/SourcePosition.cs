namespace Bal.Domain.Messages;

/// <summary>A place in a text, both counted from 1.</summary>
/// <param name="Line">The line.</param>
/// <param name="Column">The column in characters.</param>
public readonly record struct SourcePosition(int Line, int Column)
{
    /// <summary>The first character of a text.</summary>
    public static SourcePosition Start => new(1, 1);

    /// <summary>
    /// No place in particular: what is said concerns the file as a whole, such as that it does not exist.
    /// </summary>
    public static SourcePosition None => new(0, 0);
}
