using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Backend;

/// <summary>How a backend is asked whether it is well.</summary>
/// <param name="Type">What is done.</param>
public sealed record HealthCheck(CheckType Type)
{
    /// <summary>The check where the file says nothing.</summary>
    public static readonly HealthCheck Default = new(CheckType.Tcp);

    /// <summary>The port that is asked, where it is not that of the backend.</summary>
    public Option<int> Port { get; init; }

    /// <summary>What is said and expected, in order, by <see cref="CheckType.Exchange"/>.</summary>
    public Arr<ExchangeStep> Exchange { get; init; } = Arr<ExchangeStep>.Empty;

    /// <summary>What <see cref="CheckType.Http"/> asks for.</summary>
    public HttpQuestion Http { get; init; } = HttpQuestion.Default;

    /// <summary>Whether it has the backend answer.</summary>
    public bool Asks => Type is CheckType.Exchange or CheckType.Http;

    /// <summary>
    /// Whether it alone says what is up: a connect for a client says nothing of what this asks for.
    /// </summary>
    public bool Decides => Asks || Port.IsSome;

    /// <summary>With what it says only where it is sent to: the name of the host, as HTTP wants it.</summary>
    public HealthCheck For(Endpoint backend) => Type == CheckType.Http && Http.Host.IsNone
        ? this with
        {
            Http = Http with
            {
                // As 'curl --unix-socket' is asked for as a rule: there is no other name.
                Host = backend.IsUnix
                    ? "localhost"
                    : new Endpoint(backend.Host, Port.IfNone(backend.Port)).ToString(),
            },
        }
        : this;

    /// <summary>Everything that it says to a backend, in a fixed order.</summary>
    public Arr<Secret> Secrets => Exchange.Choose(step => step.Send).ToArr().Append(Http.Query.ToArray());

    /// <summary>With other secrets, as many as <see cref="Secrets"/> has, in that order.</summary>
    public HealthCheck With(Func<Secret, Secret> change) => Secrets.IsEmpty ? this : this with
    {
        Exchange = Exchange.Map(step => step with { Send = step.Send.Map(change) }),
        Http = Http with { Query = Http.Query.Map(change) },
    };

    /// <summary>What is done, for people.</summary>
    public string ToText() => Type switch
    {
        CheckType.Tcp => "tcp",
        CheckType.TcpFull => "tcp_full",
        CheckType.Exchange => "exchange",
        _ => $"http ({Http.Method} {Http.Path})",
    } + Port.Match(port => $" on port {port}", () => "");
}

/// <summary>One step of <see cref="CheckType.Exchange"/>: something is said, expected, or both.</summary>
/// <param name="Send">What is said.</param>
/// <param name="Expect">What has to be in what arrives since the step before.</param>
/// <param name="AtStart">Whether that has to begin with it.</param>
public sealed record ExchangeStep(Option<Secret> Send, Option<Octets> Expect, bool AtStart)
{
    /// <summary>Before any key has set it.</summary>
    public static readonly ExchangeStep Blank = new(Option<Secret>.None, Option<Octets>.None, false);
}

/// <summary>The request of <see cref="CheckType.Http"/>, and what counts as well.</summary>
/// <param name="Path">The path, up to the query.</param>
public sealed record HttpQuestion(string Path)
{
    /// <summary>Where the file says nothing.</summary>
    public static readonly HttpQuestion Default = new("/");

    /// <summary>What follows the question mark.</summary>
    public Option<Secret> Query { get; init; }

    /// <summary>The method.</summary>
    public string Method { get; init; } = "GET";

    /// <summary>The Host header; that of the backend where this is none.</summary>
    public Option<string> Host { get; init; }

    /// <summary>The answers that are well; 200 to 399 where it is empty.</summary>
    public Arr<int> Status { get; init; } = Arr<int>.Empty;
}

/// <summary>The kinds of health check.</summary>
public enum CheckType
{
    /// <summary>A connect that is reset before its handshake completes: the server does not notice it.</summary>
    Tcp,

    /// <summary>A whole connection, closed at once by a FIN.</summary>
    TcpFull,

    /// <summary>Something is said, and the answer has to be the expected one.</summary>
    Exchange,

    /// <summary>A request by HTTP/1.1, whose status counts.</summary>
    Http,
}
