using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;

namespace Bal.Simulation;

/// <summary>A backend as docs/behaviour.md describes it, by plain counting and nothing else.</summary>
internal sealed class NaiveBackend(BackendId id, ServiceId service, Endpoint endpoint, int failThreshold, long now)
{
    public BackendId Id { get; } = id;

    public ServiceId Service { get; } = service;

    public Endpoint Endpoint { get; } = endpoint;

    /// <summary>Since when it is in use.</summary>
    public long Since { get; private set; } = now;

    public bool Draining { get; set; }

    public bool Up { get; private set; } = true;

    /// <summary>Until it has been reached once, one failure takes it out and one success brings it back.</summary>
    public bool Reached { get; private set; }

    // A new backend is one failed check away from down.
    public long FailuresInRow { get; private set; } = failThreshold - 1;

    public long SuccessesInRow { get; private set; }

    public long Streak { get; private set; }

    public long CoolsUntil { get; private set; }

    public long Failed { get; private set; }

    public bool Probing { get; set; }

    public long ProbedAt { get; set; } = now;

    /// <summary>A reload brings it back while it drains.</summary>
    public void Return(long at) => (Draining, Since, ProbedAt) = (false, at, at);

    public void Passed(int count, HealthPolicy policy)
    {
        (Streak, CoolsUntil) = (0, 0);
        FailuresInRow = 0;
        var isFirst = !Reached;
        Reached = true;
        if (Up)
            return;
        SuccessesInRow += count;
        if (!isFirst && SuccessesInRow < policy.SuccessThreshold)
            return;
        Up = true;
        SuccessesInRow = 0;
    }

    public void Failure(int count, HealthPolicy policy)
    {
        Failed += count;
        FailuresInRow += count;
        SuccessesInRow = 0;
        Up = Up && Reached && FailuresInRow < policy.FailThreshold;
    }

    public void Cool(int count, BackoffPolicy policy, bool protection, long now)
    {
        Streak += count;
        var factor = protection ? 2 : 1;
        var backoff = Math.Min(
            policy.Max.Milliseconds * factor, policy.Initial.Milliseconds * Math.Pow(2, Math.Min(Streak - 1, 40)));
        CoolsUntil = Math.Max(
            CoolsUntil, now + Math.Max((long)backoff, policy.Cooldown.Milliseconds * factor));
    }

    public bool IsCooling(long now) => Up && Streak > 0 && CoolsUntil > now;
}

/// <summary>Protection mode by lists and sums.</summary>
internal sealed class NaiveProtection
{
    private readonly List<(long At, int Count)> failures = [];

    public bool On { get; private set; }

    public long Successes { get; private set; }

    public void Failed(int count, ProtectionPolicy policy, long now)
    {
        Successes = 0;
        if (On)
            return;
        failures.RemoveAll(f => now - f.At >= policy.Window.Milliseconds);
        failures.Add((now, count));
        if (failures.Sum(f => f.Count) >= policy.TriggerThreshold)
            TurnOn();
    }

    public void FailedOtherwise() => Successes = 0;

    public void Exhausted()
    {
        Successes = 0;
        if (!On)
            TurnOn();
    }

    public void Passed(int count, ProtectionPolicy policy)
    {
        Successes += On ? count : 0;
        if (!On || Successes < policy.StableSuccessThreshold)
            return;
        On = false;
        Successes = 0;
    }

    private void TurnOn()
    {
        On = true;
        failures.Clear();
    }
}
