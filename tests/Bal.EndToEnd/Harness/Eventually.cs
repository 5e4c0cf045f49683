using System.Diagnostics;

namespace Bal.EndToEnd.Harness;

/// <summary>Waiting for a condition with a bound, in place of sleeping and hoping.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(5);

    /// <summary>Looks again and again until the condition holds; fails with what was last seen.</summary>
    public static async Task<T> See<T>(
        string what, Func<Task<T>> look, Func<T, bool> condition, TimeSpan? patience = null)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var seen = await look();
            if (condition(seen))
                return seen;
            if (clock.Elapsed > (patience ?? Patience))
                Assert.Fail($"not within {(patience ?? Patience).TotalSeconds:0.#} s: {what}; last seen: {seen}");
            await Task.Delay(Step);
        }
    }

    public static Task<T> See<T>(string what, Func<T> look, Func<T, bool> condition, TimeSpan? patience = null) =>
        See(what, () => Task.FromResult(look()), condition, patience);

    public static Task Holds(string what, Func<bool> condition, TimeSpan? patience = null) =>
        See(what, condition, holds => holds, patience);
}
