using Bal.Domain.Backend;

namespace Bal.Domain.Specs.Backend;

/// <summary>
/// Health out of the whole history, without counting along: the last run that was long enough decides.
/// </summary>
internal static class NaiveHealth
{
    public static bool IsUp(HealthPolicy policy, IEnumerable<Outcome> history)
    {
        // A new backend is one failure away from down: as if all failures but one had happened already.
        var results = Enumerable.Repeat(false, policy.FailThreshold - 1)
            .Concat(history.Where(o => o != Outcome.Failure(FailureKind.Local)).Select(o => o == Outcome.Success))
            .ToArray();
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
