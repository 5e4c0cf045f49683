using LanguageExt;

namespace Bal.Domain.Admission;

/// <summary>What one client may do in a service, whatever the others do (<see cref="ClientKey"/>).</summary>
/// <param name="Connections">Connections that it has at once at most; none for no limit.</param>
/// <param name="Rate">
/// The size of its token bucket, and how many tokens a second come back (<see cref="ConnectionRate"/>); a connection
/// takes one. None for no limit.
/// </param>
public sealed record ClientLimits(Option<int> Connections, Option<int> Rate)
{
    /// <summary>
    /// The most clients that a service remembers. Those beyond it are counted as if they were one client.
    /// </summary>
    public const int MaxKnown = 262_144;

    /// <summary>No limits.</summary>
    public static ClientLimits None { get; } = new(Option<int>.None, Option<int>.None);

    /// <summary>Whether it matters who a client is.</summary>
    public bool Asks => Connections.IsSome || Rate.IsSome;

    /// <summary>
    /// Whether a client gets one more connection. As with <see cref="AdmissionRule.Admits"/>, look and count must be
    /// one atomic step.
    /// </summary>
    /// <param name="own">Connections of the client that this process has.</param>
    /// <param name="elsewhere">Those that other processes of this bal have.</param>
    /// <param name="limit"><c>max_connections_per_client</c>.</param>
    public static bool Admits(long own, long elsewhere, int limit) => own + elsewhere < limit;
}

/// <summary>What a service remembers of its clients, as the loops see it at one moment.</summary>
/// <param name="Known">Clients that are told apart; at most <see cref="ClientLimits.MaxKnown"/>.</param>
/// <param name="NewcomersShare">
/// Whether, in the last minute, a client came that could not be told apart, or one of those is still connected.
/// </param>
public sealed record KnownClients(long Known, bool NewcomersShare);
