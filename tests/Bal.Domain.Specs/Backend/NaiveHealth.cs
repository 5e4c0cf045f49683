using Bal.Domain.Backend;

namespace Bal.Domain.Specs.Backend;

/// <summary>
/// Health out of the whole history, without counting along: the last run that was long enough decides.
/// </summary>
internal static class NaiveHealth
{
    public static bool IsUp(HealthPolicy policy, IReadOnlyCollection<Outcome> history)
    {
        // Until it has been reached once, any failure at all has taken it out.
        var unreached = history.TakeWhile(o => o != Outcome.Success).Count();
        if (unreached == history.Count())
            return unreached == 0;
        var results = history.Skip(unreached + 1)
            .Where(o => o != Outcome.Failure(FailureKind.Local)).Select(o => o == Outcome.Success).ToArray();
        var end = results.Length;
        while (end > 0)
        {
            var start = end;
            while (start > 0 && results[start - 1] == results[end - 1])
                start--;
            if (end - start >= (results[end - 1] ? policy.SuccessThreshold : policy.FailThreshold))
                return results[end - 1];
            end = start;
        }

        return true;
    }
}
