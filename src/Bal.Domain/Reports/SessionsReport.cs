using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>Which open connections <c>bal sessions</c> shows first.</summary>
public sealed class SessionSort
{
    /// <summary>Shown where no number is asked for.</summary>
    public const int Few = 50;

    /// <summary>The most that are shown; an answer over the control socket has room for them.</summary>
    public const int Most = 2_000;

    /// <summary>Those that came last.</summary>
    public static readonly SessionSort Recent = new("recent");

    /// <summary>Those with the most bytes in both directions.</summary>
    public static readonly SessionSort Bytes = new("bytes");

    /// <summary>Those that have been open for longest.</summary>
    public static readonly SessionSort Duration = new("duration");

    /// <summary>Those that have been silent for longest.</summary>
    public static readonly SessionSort Idle = new("idle");

    private SessionSort(string word) => Word = word;

    /// <summary>Its word.</summary>
    public string Word { get; }

    /// <summary>All of them, the one that is meant where none is named first.</summary>
    public static Arr<SessionSort> All { get; } = Prelude.Array(Recent, Bytes, Duration, Idle);

    /// <summary>The order of a word; none where there is no such one.</summary>
    public static Option<SessionSort> Of(string word) => All.Find(sort => sort.Word == word);

    /// <summary>What a connection is ranked by: the greater, the sooner it is shown.</summary>
    /// <param name="age">Milliseconds since it was accepted.</param>
    /// <param name="idle">Milliseconds since its last byte.</param>
    /// <param name="bytes">Bytes in both directions.</param>
    public long Rank(long age, long idle, long bytes) =>
        this == Recent ? -age : this == Bytes ? bytes : this == Duration ? age : idle;
}

/// <summary>One open connection.</summary>
/// <param name="Service">The name of its service.</param>
/// <param name="State">One of the words of <see cref="SessionStates"/>.</param>
/// <param name="Pid">The process that has it, which an upgrade may have replaced.</param>
/// <param name="Started">When it was accepted, by the wall clock.</param>
public sealed record OpenSession(string Service, string State, int Pid, DateTimeOffset Started)
{
    /// <summary>The address that it connected to.</summary>
    public Option<string> Listener { get; init; }

    /// <summary>Who the client is.</summary>
    public Option<string> Client { get; init; }

    /// <summary>The peer of its socket, which a PROXY header may have spoken for.</summary>
    public Option<string> ClientSeen { get; init; }

    /// <summary>The host name that it asked for in TLS.</summary>
    public Option<string> ServerName { get; init; }

    /// <summary>The backend that it has, or that is being connected for it.</summary>
    public Option<string> Backend { get; init; }

    /// <summary>The address and port that the backend sees.</summary>
    public Option<string> BackendSource { get; init; }

    /// <summary>Connects tried for it.</summary>
    public int Tries { get; init; }

    /// <summary>How long it waited for a backend with room, in milliseconds.</summary>
    public long WaitMs { get; init; }

    /// <summary>How long it took to connect it; none while it is not.</summary>
    public Option<long> ConnectMs { get; init; }

    /// <summary>How long it has been open, in milliseconds.</summary>
    public long DurationMs { get; init; }

    /// <summary>How long ago its last byte came, in milliseconds.</summary>
    public long IdleMs { get; init; }

    /// <summary>Bytes from the client.</summary>
    public long BytesIn { get; init; }

    /// <summary>Bytes to the client.</summary>
    public long BytesOut { get; init; }

    /// <summary>See <see cref="SessionSort.Rank"/>.</summary>
    public long Rank(SessionSort sort) => sort.Rank(DurationMs, IdleMs, BytesIn + BytesOut);
}

/// <summary>What an open connection is doing.</summary>
public static class SessionStates
{
    /// <summary>It has yet to say who it is, or what it wants.</summary>
    public const string Greeting = "greeting";

    /// <summary>It waits for a backend with room.</summary>
    public const string Queued = "queued";

    /// <summary>A backend is being connected for it.</summary>
    public const string Connecting = "connecting";

    /// <summary>Bytes flow both ways, or may.</summary>
    public const string Relaying = "relaying";

    /// <summary>One side has sent its FIN.</summary>
    public const string HalfClosed = "half_closed";

    /// <summary>One side was reset, and the last bytes are being delivered.</summary>
    public const string Resetting = "resetting";
}

/// <summary>The answer to <c>bal sessions</c>.</summary>
/// <param name="Sessions">Those that are shown, in their order.</param>
/// <param name="Total">How many are open.</param>
public sealed record SessionsReport(Arr<OpenSession> Sessions, long Total)
{
    /// <summary>Nothing is open.</summary>
    public static readonly SessionsReport None = new(Arr<OpenSession>.Empty, 0);

    /// <summary>
    /// The first of several reports, each of which has its own first ones: those of one loop or process beside others.
    /// </summary>
    public static SessionsReport Merge(SessionSort sort, int most, Arr<SessionsReport> parts) => new(
        new Arr<OpenSession>(parts.SelectMany(part => part.Sessions).OrderByDescending(s => s.Rank(sort)).Take(most)),
        parts.Sum(part => part.Total));
}
