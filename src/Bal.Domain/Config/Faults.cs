using Bal.Domain.Messages;

namespace Bal.Domain.Config;

/// <summary>Makes findings about a place in the document.</summary>
internal static class Faults
{
    /// <summary>An error at <paramref name="at"/>.</summary>
    public static Finding Error(string code, string path, SourcePosition at, string message, string hint) =>
        new(Severity.Error, code, path, at, message, hint);

    /// <summary>A warning at <paramref name="at"/>.</summary>
    public static Finding Warning(string code, string path, SourcePosition at, string message, string hint) =>
        new(Severity.Warning, code, path, at, message, hint);
}
