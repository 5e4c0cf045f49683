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

    /// <summary>An error about a value that is not what was expected.</summary>
    public static Finding Unexpected(string code, Field field, string expected, string hint, string why = "") => Error(
        code, field.Path, field.Value.At,
        $"{(field.Path.Length == 0 ? "the file" : field.Path)}: expected {expected}, found {Shown.Value(field.Value)}"
            + (why.Length == 0 ? "" : $": {why}"),
        hint);

    /// <summary>An error about a key that has to be there.</summary>
    public static Finding Missing(Fields fields, string key, string expected, string hint) => Error(
        "missing_key", fields.PathOf(key), fields.At, $"{fields.PathOf(key)} is missing: expected {expected}", hint);
}
