using System.Collections.Immutable;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Replay;

/// <summary>Whose decision something is.</summary>
public enum Side
{
    /// <summary>Both decided so.</summary>
    Both,

    /// <summary>Only the recorded bal.</summary>
    Recorded,

    /// <summary>Only the one with the other configuration.</summary>
    Other,
}

/// <summary>A change of state that is worth a line.</summary>
/// <param name="At">When.</param>
/// <param name="Side">Whose.</param>
/// <param name="Line">What the log says of it.</param>
public sealed record TimelineEntry(Instant At, Side Side, LogEvent Line);

/// <summary>How often a kind of change happened.</summary>
/// <param name="Recorded">To the recorded bal.</param>
/// <param name="Other">To the one with the other configuration.</param>
public sealed record ChangeCount(long Recorded, long Other);

/// <summary>The moment from which clients would have been served differently.</summary>
/// <param name="At">When.</param>
/// <param name="Sequence">The recorded step at or before which it happened.</param>
/// <param name="Differences">What differs then, a line each.</param>
public sealed record Divergence(Instant At, long Sequence, Arr<string> Differences);

/// <summary>Whose probe it is.</summary>
internal sealed record ProbeOf(string Service, Endpoint Endpoint)
{
    public static ProbeOf Backend(BackendOfService found) => new(found.Service.Config.Name, found.Backend.Endpoint);
}

/// <summary>The last recorded result of a backend's probe.</summary>
internal sealed record LastCheck(Outcome Outcome, Option<System.Net.IPAddress> Via);

/// <summary>Another configuration among recorded events; of bounded size, however many they are.</summary>
public sealed record ComparisonState
{
    internal ComparisonState(BalConfig config) => Config = config;

    /// <summary>The configuration that is tried.</summary>
    public BalConfig Config { get; }

    /// <summary>Where it has led to; none before the first checkpoint.</summary>
    public Option<ControlState> Other { get; internal init; }

    /// <summary>What it was shown, and what that rests on.</summary>
    public EvidenceCounts Evidence { get; internal init; } = EvidenceCounts.None;

    /// <summary>How often each kind of change happened, by the name of the log event.</summary>
    public ImmutableSortedDictionary<string, ChangeCount> Changes { get; internal init; } =
        ImmutableSortedDictionary<string, ChangeCount>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>The first moment at which the two serve clients differently; none where they never do.</summary>
    public Option<Divergence> FirstDivergence { get; internal init; }

    /// <summary>The time over which they do.</summary>
    public Duration Apart { get; internal init; }

    /// <summary>What the configuration changes, at the last checkpoint.</summary>
    public Arr<string> ConfigChanges { get; internal init; }

    /// <summary>Backends that were never observed, because only the configuration that is tried has them.</summary>
    public Arr<Endpoint> Unobserved { get; internal init; }

    internal Instant Now { get; init; }

    internal long Sequence { get; init; }

    internal bool IsApart { get; init; }

    /// <summary>The tables that were compared last.</summary>
    internal Arr<Control.ServiceState> Compared { get; init; }

    /// <summary>When the recorded probe of a backend started, and when the one that is tried.</summary>
    internal ImmutableDictionary<ProbeOf, Instant> RecordedProbes { get; init; } =
        ImmutableDictionary<ProbeOf, Instant>.Empty;

    internal ImmutableDictionary<ProbeOf, Instant> OtherProbes { get; init; } =
        ImmutableDictionary<ProbeOf, Instant>.Empty;

    internal ImmutableDictionary<ProbeOf, LastCheck> Checks { get; init; } =
        ImmutableDictionary<ProbeOf, LastCheck>.Empty;
}

/// <summary>A transition of <see cref="ComparisonState"/>.</summary>
/// <param name="State">The state after a line.</param>
/// <param name="Entries">The changes that the line brought, in order.</param>
public sealed record ComparisonStep(ComparisonState State, Arr<TimelineEntry> Entries);
