using System.Collections;

namespace Bal.Infrastructure.Process;

/// <summary>The environment that a child gets.</summary>
internal static class ProcessEnvironment
{
    /// <summary>That of this process, in the form <c>NAME=value</c>.</summary>
    /// <param name="changes">Variables that differ; null removes one.</param>
    public static List<string> With(IReadOnlyDictionary<string, string?> changes)
    {
        var all = new Dictionary<string, string>();
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
            all[(string)entry.Key] = (string?)entry.Value ?? "";
        foreach (var (name, value) in changes)
            if (value is null) all.Remove(name);
            else all[name] = value;
        return [.. all.Select(entry => $"{entry.Key}={entry.Value}")];
    }
}
