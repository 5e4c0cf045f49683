using System.Globalization;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>Which connections <c>bal sessions --reset</c> means: those of a backend, or of some clients.</summary>
/// <param name="Backend">The backend; none where clients are meant.</param>
/// <param name="Clients">The addresses of the clients.</param>
public sealed record SessionChoice(Option<BackendId> Backend, NetworkSet Clients)
{
    /// <summary>Those of a backend.</summary>
    public static SessionChoice Of(BackendId backend) => new(backend, NetworkSet.Empty);

    /// <summary>
    /// What a word means: an address or a network of clients, or a backend by one of its names. A backend is never
    /// meant by its address alone, which is that of a client.
    /// </summary>
    public static Either<Problem, SessionChoice> Read(string word, ControlState state)
    {
        var slash = word.LastIndexOf('/');
        var host = slash < 0 ? word : word[..slash];
        if (Network.Read(host).IsRight)
            return Network.Read(word).Match(
                Right: network => Either<Problem, SessionChoice>.Right(Of(network)),
                Left: fault => new Problem(
                    "invalid_network",
                    $"'{Printable.Short(word, 64)}' is not a network: {fault.Reason}",
                    "it is mistyped",
                    fault.Hint));
        return Addressing.Find(word, state).Bind(target => target.Backend.Match(
            Some: backend => Either<Problem, SessionChoice>.Right(Of(backend.Id)),
            None: () => new Problem(
                "not_a_backend",
                $"'{Printable.Short(word, 64)}' is a service",
                "the command ends the connections of one backend, or of some clients",
                $"name a backend as {Printable.Short(word, 64)}/HOST:PORT, or clients as 10.1.0.0/16")));
    }

    /// <summary>The same as one process tells it another one, which knows backends by the same identities.</summary>
    public string ToText() => Backend.Match(
        id => id.Value.ToString(CultureInfo.InvariantCulture), () => $"{Clients.Networks.First()}");

    /// <summary>What <see cref="ToText"/> has written; none where it is something else.</summary>
    public static Option<SessionChoice> Parse(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? Of(new BackendId(id))
            : Network.Read(text).Match(network => Of(network), _ => Option<SessionChoice>.None);

    /// <summary>Whether a connection is meant.</summary>
    /// <param name="backend">The identity of its backend; 0 where it has none.</param>
    /// <param name="client">The address of its client, 4 or 16 bytes; empty where it is not known.</param>
    public bool Means(int backend, ReadOnlySpan<byte> client) => Backend.IsSome
        ? Backend == new BackendId(backend)
        : !client.IsEmpty && Clients.Covers(client);

    private static SessionChoice Of(Network network) => new(Option<BackendId>.None, NetworkSet.Of([network]));
}
