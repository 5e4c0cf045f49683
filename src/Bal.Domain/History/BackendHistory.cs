using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.History;

/// <summary>Something that happened, once or several times with nothing of another chapter between.</summary>
/// <param name="What">What.</param>
/// <param name="First">When for the first time.</param>
/// <param name="Last">When for the last time; equal to <paramref name="First"/> where it happened once.</param>
/// <param name="Count">How often, above zero.</param>
public sealed record BackendEntry(BackendHappening What, Instant First, Instant Last, long Count);

/// <summary>
/// What took a backend out of rotation; remembered for as long as the backend, however much happens after it.
/// </summary>
/// <param name="Since">When it went down.</param>
/// <param name="Failures">
/// The failures in a row that had been counted by then; a new backend is given all but one.
/// </param>
/// <param name="Threshold">How many of them were enough.</param>
/// <param name="Cause">The failures themselves, by who saw them and how, in the order of their coming.</param>
/// <param name="Until">When it came back; none while it is down.</param>
public sealed record Outage(
    Instant Since, int Failures, int Threshold, Arr<BackendEntry> Cause, Option<Instant> Until)
{
    /// <summary>How many failures in a row were seen: as many as an operator could have counted.</summary>
    public long Seen => Cause.Fold(0L, (sum, entry) => sum + entry.Count);
}

/// <summary>The failed client connect that set the end of the present cooldown.</summary>
/// <param name="At">When it failed.</param>
/// <param name="Streak">The failures in a row with it.</param>
/// <param name="Policy">The policy of that moment.</param>
/// <param name="Protection">Whether protection mode was on then, which doubles cap and floor.</param>
public sealed record CoolingCause(Instant At, int Streak, BackoffPolicy Policy, bool Protection);

/// <summary>What led a backend to where it is: bounded, and kept by the transitions themselves.</summary>
/// <param name="Recent">What happened, by its first time, at most <see cref="MaxEntries"/>.</param>
/// <param name="LastOutage">The present outage, or the last one; none if it was never down.</param>
/// <param name="Cooling">What set the end of the cooldown; none where the last connect succeeded.</param>
public sealed record BackendHistory(
    Arr<BackendEntry> Recent, Option<Outage> LastOutage, Option<CoolingCause> Cooling)
{
    /// <summary>
    /// Entries remembered of one backend. Between two turns equal ones are merged, so that a storm of failures takes a
    /// handful of them whatever its length.
    /// </summary>
    public const int MaxEntries = 24;

    /// <summary>The history of a backend that is being added.</summary>
    public static BackendHistory Begin(Instant now) =>
        new BackendHistory(Arr<BackendEntry>.Empty, Option<Outage>.None, Option<CoolingCause>.None)
            .Add(new BackendHappening.Added(), now, 1);

    /// <summary>The history with something more that happened.</summary>
    /// <param name="what">What.</param>
    /// <param name="now">When.</param>
    /// <param name="count">How often at once, above zero.</param>
    public BackendHistory Add(BackendHappening what, Instant now, int count)
    {
        for (var i = Recent.Count - 1; i >= 0; i--)
        {
            var entry = Recent[i];
            if (entry.What == what)
                return this with { Recent = Recent.SetItem(i, entry with { Last = now, Count = entry.Count + count }) };
            if (entry.What.IsTurn || what.IsTurn)
                break;
        }

        var added = Recent.Add(new BackendEntry(what, now, now, count));
        return this with { Recent = added.Count > MaxEntries ? added.RemoveAt(0) : added };
    }

    /// <summary>The failures that came last, of which there is none after a success that forgave some.</summary>
    /// <param name="checksOnly">Whether connects for clients say nothing of how it is.</param>
    public Option<BackendEntry> LastFailure(bool checksOnly = false) => Recent
        .Filter(entry => entry.What is BackendHappening.Failed or BackendHappening.Passed
            && !(checksOnly && entry.What.IsOfClients))
        .OrderBy(entry => entry.Last)
        .LastOrNone()
        .Filter(entry => entry.What is BackendHappening.Failed);

    /// <summary>
    /// The failures that are in a row with the present moment, equal ones as one entry. Probes that could not be made
    /// are among them only where there is nothing else.
    /// </summary>
    /// <param name="checksOnly">Whether connects for clients say nothing of how it is.</param>
    public Arr<BackendEntry> FailuresInARow(bool checksOnly = false)
    {
        bool Counts(BackendHappening what) => !(checksOnly && what.IsOfClients);
        var from = Recent.Count;
        while (from > 0 && !(Recent[from - 1].What.EndsRow && Counts(Recent[from - 1].What)))
            from--;
        var failures = new Arr<BackendEntry>(Recent.AsEnumerable().Skip(from)
            .Where(entry => entry.What is BackendHappening.Failed && Counts(entry.What))
            .GroupBy(entry => entry.What)
            .Select(same => same.Last() with { First = same.First().First, Count = same.Sum(entry => entry.Count) }));
        var counted = failures.Filter(entry => entry.What is not BackendHappening.Failed { Kind: FailureKind.Local });
        return counted.IsEmpty ? failures : counted;
    }
}
