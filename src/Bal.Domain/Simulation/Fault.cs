using Bal.Domain.Backend;
using Bal.Domain.Primitives;

namespace Bal.Domain.Simulation;

/// <summary>How a simulated backend answers connects, by probes and for clients alike.</summary>
public abstract record Fault
{
    private Fault() { }

    /// <summary>It accepts after the usual latency.</summary>
    public sealed record None : Fault;

    /// <summary>Nobody listens: connects are refused after the usual latency.</summary>
    public sealed record Refuse : Fault;

    /// <summary>Packets vanish: a connect ends by its timeout alone.</summary>
    public sealed record Blackhole : Fault;

    /// <summary>It accepts late; beyond the timeout of a connect that is no answer at all.</summary>
    /// <param name="Latency">What a connect takes instead of the usual latency.</param>
    public sealed record Slow(Spread Latency) : Fault;

    /// <summary>It is away and there by turns, away first.</summary>
    /// <param name="Down">How long it is away; above zero.</param>
    /// <param name="Up">How long it is there; above zero.</param>
    /// <param name="Silent">Away like <see cref="Blackhole"/>; otherwise like <see cref="Refuse"/>.</param>
    public sealed record Flap(Duration Down, Duration Up, bool Silent) : Fault;

    /// <summary>It accepts, and does not answer: a health check that asks ends by its timeout.</summary>
    public sealed record Hang : Fault;

    /// <summary>It accepts, and answers a health check that asks otherwise than it should.</summary>
    public sealed record WrongAnswer : Fault;

    /// <summary>It accepts.</summary>
    public static readonly Fault Healthy = new None();

    /// <summary>Applies the function of the case that this fault is.</summary>
    public T Match<T>(
        Func<T> none, Func<T> refuse, Func<T> blackhole, Func<Slow, T> slow, Func<Flap, T> flap, Func<T> hang,
        Func<T> wrongAnswer) => this switch
        {
            None => none(),
            Refuse => refuse(),
            Blackhole => blackhole(),
            Slow s => slow(s),
            Flap f => flap(f),
            Hang => hang(),
            WrongAnswer => wrongAnswer(),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    /// <summary>The word of the scenario and of the picture.</summary>
    public string Word => Match(
        () => "recover", () => "refuse", () => "blackhole", _ => "slow", _ => "flap", () => "hang",
        () => "wrong_answer");

    /// <summary>What it does, as the timeline says it after the backend's name.</summary>
    public string ToText() => Match(
        () => "answers again",
        () => "refuses connects",
        () => "does not answer (packets are dropped)",
        slow => $"takes {slow.Latency.ToText()} to accept",
        flap => $"flaps: {(flap.Silent ? "silent" : "refusing")} for {flap.Down.ToText()}, there for "
            + $"{flap.Up.ToText()}",
        () => "accepts connects and does not answer",
        () => "accepts connects and answers health checks wrongly");
}

/// <summary>What becomes of one connect.</summary>
public enum ConnectFate
{
    /// <summary>It is accepted.</summary>
    Accepted,

    /// <summary>It is refused.</summary>
    Refused,

    /// <summary>Nothing ever comes back.</summary>
    Silence,
}

/// <summary>The fate of a connect and how long it takes to be known.</summary>
/// <param name="Fate">What becomes of it.</param>
/// <param name="After">The time until then; without meaning for <see cref="ConnectFate.Silence"/>.</param>
public readonly record struct ConnectAnswer(ConnectFate Fate, Duration After);

/// <summary>From faults to answers.</summary>
public static class FaultRule
{
    /// <summary>The answer to a connect that starts at <paramref name="now"/>.</summary>
    /// <param name="usual">The latency of a backend without a fault.</param>
    /// <param name="since">When the fault began.</param>
    /// <param name="now">When the connect starts.</param>
    /// <param name="roll">Chooses within a spread of latencies.</param>
    /// <param name="fault">What is wrong with the backend.</param>
    public static ConnectAnswer Answer(
        Spread usual, Instant since, Instant now, Func<Spread, Duration> roll, Fault fault) => fault.Match(
        none: () => new ConnectAnswer(ConnectFate.Accepted, roll(usual)),
        refuse: () => new ConnectAnswer(ConnectFate.Refused, roll(usual)),
        blackhole: () => new ConnectAnswer(ConnectFate.Silence, Duration.Zero),
        slow: s => new ConnectAnswer(ConnectFate.Accepted, roll(s.Latency)),
        flap: f => !IsAway(f, since, now)
            ? new ConnectAnswer(ConnectFate.Accepted, roll(usual))
            : f.Silent
                ? new ConnectAnswer(ConnectFate.Silence, Duration.Zero)
                : new ConnectAnswer(ConnectFate.Refused, roll(usual)),
        hang: () => new ConnectAnswer(ConnectFate.Accepted, roll(usual)),
        wrongAnswer: () => new ConnectAnswer(ConnectFate.Accepted, roll(usual)));

    /// <summary>What a health check shows that asks a backend which has accepted it.</summary>
    public static Outcome Asked(Fault fault) => fault switch
    {
        Fault.Hang => Outcome.Failure(FailureKind.Timeout),
        Fault.WrongAnswer => new Outcome.Failed(FailureKind.WrongAnswer)
        {
            Answer = "expected the right answer, got another",
        },
        _ => Outcome.Success,
    };

    /// <summary>Whether a flapping backend is away at <paramref name="now"/>.</summary>
    public static bool IsAway(Fault.Flap flap, Instant since, Instant now) =>
        now.Since(since).Milliseconds % (flap.Down.Milliseconds + flap.Up.Milliseconds) < flap.Down.Milliseconds;
}
