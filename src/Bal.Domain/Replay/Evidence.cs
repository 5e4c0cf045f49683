using LanguageExt;

namespace Bal.Domain.Replay;

/// <summary>What an outcome that another configuration is shown rests on.</summary>
public enum Evidence
{
    /// <summary>Observed: it happened like this, and would have been asked for at the same moment.</summary>
    Observed,

    /// <summary>Modelled: a probe started at another moment than the recorded one whose result stands for it.</summary>
    ProbeAtAnotherTime,

    /// <summary>Modelled: a probe that was never made, answered as the last recorded one of that backend.</summary>
    ProbeNeverMade,

    /// <summary>Modelled: a client connect that might have gone to another backend.</summary>
    ClientMightGoElsewhere,

    /// <summary>Modelled: a client connect that would have had another time to succeed in.</summary>
    OtherConnectTimeout,

    /// <summary>Left out: a recorded probe that would not have been made.</summary>
    ProbeNotAskedFor,

    /// <summary>Left out: it concerns a backend that the other configuration does not have.</summary>
    BackendNotConfigured,

    /// <summary>Left out: no backend was left for a client, but there would have been one more to try.</summary>
    AnotherBackendToTry,

    /// <summary>Left out: connections over a limit that would have been another one.</summary>
    OtherLimit,

    /// <summary>Left out: the recorded bal took another configuration.</summary>
    ReloadNotTaken,
}

/// <summary>How often each kind of evidence was met.</summary>
/// <param name="Counts">One for each kind, in their order.</param>
public sealed record EvidenceCounts(Arr<long> Counts)
{
    /// <summary>Every kind, in order.</summary>
    public static Arr<Evidence> Kinds { get; } = new(Enum.GetValues<Evidence>());

    /// <summary>Nothing yet.</summary>
    public static readonly EvidenceCounts None = new(Kinds.Map(_ => 0L));

    /// <summary>How often <paramref name="kind"/> was met.</summary>
    public long Of(Evidence kind) => Counts[(int)kind];

    /// <summary>One more.</summary>
    public EvidenceCounts Add(Evidence kind) => new(Counts.SetItem((int)kind, Counts[(int)kind] + 1));

    /// <summary>What was observed.</summary>
    public long Observed => Of(Evidence.Observed);

    /// <summary>What was modelled.</summary>
    public long Modelled => Sum(EvidenceText.IsModelled);

    /// <summary>What was left out.</summary>
    public long LeftOut => Sum(kind => kind != Evidence.Observed && !EvidenceText.IsModelled(kind));

    private long Sum(Func<Evidence, bool> which) => Kinds.Filter(which).Fold(0L, (sum, kind) => sum + Of(kind));
}

/// <summary>The words for kinds of evidence.</summary>
public static class EvidenceText
{
    /// <summary>Whether it stands for something that was not observed.</summary>
    public static bool IsModelled(Evidence kind) => kind is Evidence.ProbeAtAnotherTime or Evidence.ProbeNeverMade
        or Evidence.ClientMightGoElsewhere or Evidence.OtherConnectTimeout;

    /// <summary>The stable snake_case name.</summary>
    public static string Name(Evidence kind) => kind switch
    {
        Evidence.Observed => "observed",
        Evidence.ProbeAtAnotherTime => "probe_at_another_time",
        Evidence.ProbeNeverMade => "probe_never_made",
        Evidence.ClientMightGoElsewhere => "client_might_go_elsewhere",
        Evidence.OtherConnectTimeout => "other_connect_timeout",
        Evidence.ProbeNotAskedFor => "probe_not_asked_for",
        Evidence.BackendNotConfigured => "backend_not_configured",
        Evidence.AnotherBackendToTry => "another_backend_to_try",
        Evidence.OtherLimit => "other_limit",
        _ => "reload_not_taken",
    };

    /// <summary>What it means, as an operator reads it.</summary>
    public static string Meaning(Evidence kind) => kind switch
    {
        Evidence.Observed => "recorded, and asked for at the same time",
        Evidence.ProbeAtAnotherTime => "probes at another time: the next recorded result is used",
        Evidence.ProbeNeverMade => "probes that were never made: the last recorded result of that backend is used",
        Evidence.ClientMightGoElsewhere => "client connects that might have gone to another backend",
        Evidence.OtherConnectTimeout => "client connects that would have had another timeout",
        Evidence.ProbeNotAskedFor => "recorded probes that would not have been made",
        Evidence.BackendNotConfigured => "what happened to backends that the new configuration does not have",
        Evidence.AnotherBackendToTry => "clients that got no backend, but would have had another one to try",
        Evidence.OtherLimit => "rejected connections: the limit would have been different",
        _ => "reloads of the recorded bal: the new configuration stays in force",
    };
}
