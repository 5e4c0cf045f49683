using LanguageExt;

namespace Bal.Domain.Simulation;

/// <summary>The names of the keys of a scenario, by the mapping they belong to.</summary>
internal static class ScenarioKeys
{
    /// <summary>What messages call the whole file.</summary>
    public const string Root = "scenario";

    public const string Seed = "seed";
    public const string Length = "duration";
    public const string Clients = "clients";
    public const string Service = "service";
    public const string ClientRate = "client_rate";
    public const string ConnectionLength = "connection_length";
    public const string Retries = "retries";
    public const string RetryAfter = "retry_after";
    public const string ClientAddresses = "client_addresses";
    public const string ConnectLatency = "connect_latency";
    public const string Events = "events";
    public const string Expect = "expect";

    public const string At = "at";
    public const string Do = "do";
    public const string Backend = "backend";
    public const string Latency = "latency";
    public const string Down = "down";
    public const string Up = "up";
    public const string As = "as";
    public const string Config = "config";
    public const string Rate = "rate";
    public const string Name = "name";
    public const string Addresses = "addresses";
    public const string For = "for";
    public const string Weight = "weight";

    public static Arr<string> Top { get; } = new(
        [Seed, Length, Clients, .. Load, ConnectLatency, Events, Expect]);

    /// <summary>The keys of a stream of clients; those of the top level are the defaults of each.</summary>
    public static Arr<string> Load =>
        new([Service, ClientRate, ConnectionLength, Retries, RetryAfter, ClientAddresses]);

    public static Arr<string> Event { get; } = new(
        [At, Service, Backend, Do, Latency, Down, Up, As, Config, Rate, Name, Addresses, For, Weight]);
}

/// <summary>What an event does: its word, and the keys that go with it beside <c>at</c> and <c>do</c>.</summary>
/// <param name="Word">The value of <c>do</c>.</param>
/// <param name="Keys">The keys that mean something to it.</param>
internal sealed record ActionWord(string Word, Arr<string> Keys)
{
    public static ActionWord Refuse { get; } = new("refuse", new([ScenarioKeys.Service, ScenarioKeys.Backend]));

    public static ActionWord Blackhole { get; } = new("blackhole", new([ScenarioKeys.Service, ScenarioKeys.Backend]));

    public static ActionWord Slow { get; } =
        new("slow", new([ScenarioKeys.Service, ScenarioKeys.Backend, ScenarioKeys.Latency]));

    public static ActionWord Flap { get; } = new(
        "flap", new([ScenarioKeys.Service, ScenarioKeys.Backend, ScenarioKeys.Down, ScenarioKeys.Up, ScenarioKeys.As]));

    public static ActionWord Hang { get; } = new("hang", new([ScenarioKeys.Service, ScenarioKeys.Backend]));

    public static ActionWord WrongAnswer { get; } =
        new("wrong_answer", new([ScenarioKeys.Service, ScenarioKeys.Backend]));

    public static ActionWord Recover { get; } = new("recover", new([ScenarioKeys.Service, ScenarioKeys.Backend]));

    public static ActionWord Reload { get; } = new("reload", new([ScenarioKeys.Config]));

    public static ActionWord Rate { get; } = new("rate", new([ScenarioKeys.Service, ScenarioKeys.Rate]));

    public static ActionWord Resolve { get; } = new("resolve", new([ScenarioKeys.Name, ScenarioKeys.Addresses]));

    public static ActionWord Crash { get; } = new("crash", new([ScenarioKeys.For]));

    public static ActionWord Drain { get; } = new("drain", new([ScenarioKeys.Service, ScenarioKeys.Backend]));

    public static ActionWord Enable { get; } = new("enable", new([ScenarioKeys.Service, ScenarioKeys.Backend]));

    public static ActionWord Weight { get; } =
        new("weight", new([ScenarioKeys.Service, ScenarioKeys.Backend, ScenarioKeys.Weight]));

    public static ActionWord Stop { get; } = new("stop", Arr<string>.Empty);

    public static Arr<ActionWord> All { get; } = new(
        [
            Refuse, Blackhole, Slow, Flap, Hang, WrongAnswer, Recover, Reload, Rate, Resolve, Drain, Enable, Weight,
            Crash, Stop,
        ]);
}

/// <summary>The keys of an expectation.</summary>
internal static class ExpectationKeys
{
    public const string FailoverP99 = "failover_p99_at_most";
    public const string Protection = "protection";
    public const string State = "state";
    public const string OutOfRotation = "out_of_rotation_at_most";

    /// <summary>Every number that can be bounded, with its key for each side of a bound.</summary>
    public static Arr<CountKey> Counts { get; } = new(
        from number in Enum.GetValues<CountedNumber>()
        from limit in Enum.GetValues<Limit>()
        select new CountKey(Of(number, limit), number, limit));

    public static Arr<string> All { get; } = new(
        Counts.Select(c => c.Key).Concat(
        [FailoverP99, Protection, ScenarioKeys.Service, ScenarioKeys.Backend, State, OutOfRotation, ScenarioKeys.At]));

    /// <summary>The key that bounds <paramref name="number"/>.</summary>
    public static string Of(CountedNumber number, Limit limit) => Word(number) + limit switch
    {
        Limit.AtMost => "_at_most",
        Limit.AtLeast => "_at_least",
        Limit.Exactly or _ => "",
    };

    private static string Word(CountedNumber number) => number switch
    {
        CountedNumber.Served => "served",
        CountedNumber.Failed => "failed",
        CountedNumber.Rejected => "rejected",
        CountedNumber.FailedOver => "failed_over",
        CountedNumber.Protections or _ => "protections",
    };
}

/// <summary>A key that bounds a number.</summary>
/// <param name="Key">The key.</param>
/// <param name="Number">The number.</param>
/// <param name="Limit">The bound's side.</param>
internal sealed record CountKey(string Key, CountedNumber Number, Limit Limit);
