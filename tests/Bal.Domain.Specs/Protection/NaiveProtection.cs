using Bal.Domain.Protection;

namespace Bal.Domain.Specs.Protection;

/// <summary>
/// Protection mode as docs/behaviour.md describes it, with a plain list of the times of all failures.
/// </summary>
internal sealed class NaiveProtection(ProtectionPolicy policy)
{
    private readonly List<long> failures = [];
    private long successes;

    public bool On { get; private set; }

    public void Happened(ProtectionEvent what, long now)
    {
        var wasOn = On;
        successes = what is ProtectionEvent.Succeeded s ? successes + s.Count : 0;
        if (what is ProtectionEvent.ClientConnectsFailed f)
            failures.AddRange(Enumerable.Repeat(now, f.Count));

        var storm = what is ProtectionEvent.ClientConnectsFailed
            && failures.Count(at => now - at < policy.Window.Milliseconds) >= policy.TriggerThreshold;
        if (!wasOn && (storm || what is ProtectionEvent.ClientExhausted))
            On = true;
        if (wasOn && successes >= policy.StableSuccessThreshold)
            On = false;
        if (On || wasOn)
            failures.Clear();
    }
}
