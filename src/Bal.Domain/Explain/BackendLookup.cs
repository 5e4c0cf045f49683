using System.Globalization;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Explain;

/// <summary>Which backend an operator means.</summary>
public static class BackendLookup
{
    /// <summary>Backends that a message lists; more are counted.</summary>
    private const int MaxListed = 10;

    /// <summary>
    /// The backends that <paramref name="word"/> names: by <c>host:port</c> as in the file, by position in the file
    /// from 1, or by host alone where it is the only one there. Those that drain have the same address as one that was
    /// added again; then both are meant.
    /// </summary>
    public static Either<Problem, Arr<BackendState>> Find(string word, ServiceState service)
    {
        var all = new Arr<BackendState>(service.Backends.Values);
        var configured = all.Filter(b => !b.Draining);
        var byAddress = all.Filter(b => Same(b.Endpoint.ToString(), word));
        if (!byAddress.IsEmpty)
            return byAddress;
        if (int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var position))
        {
            return position >= 1 && position <= configured.Count
                ? Prelude.Array(configured[position - 1])
                : Unknown($"there is no backend {position}", Option<string>.None, configured);
        }

        var byHost = all.Filter(b => Same(b.Endpoint.Host.ToUrlText(), word));
        return byHost.Count == 1
            ? byHost
            : Unknown(
                byHost.IsEmpty
                    ? $"no backend is called '{Shown(word)}'" : $"'{Shown(word)}' names {byHost.Count} backends",
                byHost.IsEmpty
                    ? Nearest.To(word, all.Map(b => b.Endpoint.ToString()))
                    : byHost[0].Endpoint.ToString(),
                configured);
    }

    private static Problem Unknown(string what, Option<string> near, Arr<BackendState> configured) => new(
        "unknown_backend",
        what,
        $"the backends are {string.Join(", ", configured.Take(MaxListed).Select((b, i) => $"{i + 1}: {b.Endpoint}"))}"
            + (configured.Count > MaxListed ? $" and {configured.Count - MaxListed} more" : ""),
        near.Match(
            meant => $"did you mean {meant}? run 'bal explain backend {meant}'",
            () => "run 'bal explain backend' with one of these, or with its number"));

    private static bool Same(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);

    private static string Shown(string word) =>
        string.Concat(word.Take(64).Select(c => char.IsControl(c) ? '?' : c)) + (word.Length > 64 ? "…" : "");
}
