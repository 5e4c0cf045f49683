using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// The new process's side of an upgrade until it serves: it receives what it is to go on with, and may refuse. Until it
/// is told to serve it changes nothing that anybody else could see.
/// </summary>
public sealed class Takeover : IDisposable
{
    /// <summary>The environment variable that names the descriptor of the link, and how the old process runs.</summary>
    internal const string Variable = "BAL_UPGRADE";

    // The old one gives up much sooner; this only ends a process whose parent was stopped for good.
    private static readonly Duration Patience = new(120_000);

    private readonly Link link;
    private readonly List<int> descriptors = [];
    private readonly ListFiles files = new();

    private Takeover(Link link, bool isDaemon) => (this.link, IsDaemon) = (link, isDaemon);

    /// <summary>Whether the process that is replaced is a daemon.</summary>
    public bool IsDaemon { get; }

    /// <summary>The link, once this process serves.</summary>
    internal Link Link => link;

    /// <summary>What is handed over, as <see cref="Receive"/> got it.</summary>
    internal Handover Handover { get; private set; } = null!;

    /// <summary>Takes the descriptor out of the environment; none where this process replaces no other one.</summary>
    public static Option<Takeover> FromEnvironment()
    {
        var text = Environment.GetEnvironmentVariable(Variable);
        Environment.SetEnvironmentVariable(Variable, null);
        if (text is not ("3:daemon" or "3:foreground") || !MessageSocket.Is(3))
            return Option<Takeover>.None;
        Sockets.MakeOwn(3);
        return new Takeover(new Link(3), text == "3:daemon");
    }

    /// <summary>Says why this process cannot serve.</summary>
    public void Refuse(Problem problem) => _ = link.SendProblem(problem);

    /// <inheritdoc/>
    public void Dispose() => link.Dispose();

    /// <summary>Receives everything as it is before the handover.</summary>
    internal Either<Problem, Unit> Receive() => Next("hello").Bind(Understand).Bind(handover =>
    {
        Handover = handover;
        while (descriptors.Count < handover.DescriptorCount)
        {
            var more = Next("descriptors");
            more.IfRight(message => descriptors.AddRange(message.Descriptors));
            if (more.IsLeft || more.Exists(message => message.Descriptors.Length == 0))
                return more.Bind(
                    _ => Either<Problem, Unit>.Left(HandoverJson.NotUnderstood("descriptors are missing")));
        }

        return Either<Problem, Unit>.Right(Unit.Default);
    });

    /// <summary>The PID file.</summary>
    internal int PidFile => descriptors[0];

    /// <summary>The control socket.</summary>
    internal int ControlSocket => descriptors[1];

    /// <summary>The listening sockets of each service.</summary>
    internal IReadOnlyDictionary<string, int[]> Listeners()
    {
        var at = 2;
        var listeners = new Dictionary<string, int[]>();
        foreach (var service in Handover.Services)
        {
            listeners[service.Name] = [.. descriptors.GetRange(at, service.Sockets)];
            at += service.Sockets;
        }

        return listeners;
    }

    /// <summary>The Unix sockets of a service whose files end with bal.</summary>
    internal Arr<string> FilesOf(string service) =>
        Handover.Services.Find(s => s.Name == service).Match(s => s.Files, () => Arr<string>.Empty);

    /// <summary>What is known of the clients of services, as descriptors.</summary>
    internal IEnumerable<(string Service, int Table)> Clients()
    {
        var at = 2 + Handover.Services.Sum(s => s.Sockets);
        return Handover.Services.Filter(s => s.HasClients).Select((s, i) => (s.Name, descriptors[at + i]));
    }

    /// <summary>Says that this process could serve, and waits to be told so; with what it is told to serve.</summary>
    internal Either<Problem, Handover> AwaitTurn()
    {
        _ = link.Send("ready");
        return Next("serve").Bind(Understand);
    }

    /// <summary>
    /// The processes that have been replaced, the one that hands over last, with their links; the descriptors of those
    /// that have ended since are closed.
    /// </summary>
    internal IReadOnlyList<(ReplacedProcess Process, Link Link)> Processes(Handover final)
    {
        var at = descriptors.Count - 2 * Handover.Processes.Count + 1;
        var processes = new List<(ReplacedProcess, Link)>();
        foreach (var known in Handover.Processes)
        {
            var own = known.Pid == Handover.Processes[Handover.Processes.Count - 1].Pid;
            var its = own ? link : new Link(descriptors[at++]);
            var counts = OpenCounts.Of(descriptors[at++]);
            var still = final.Processes.Find(p => p.Pid == known.Pid);
            if (counts is not null && still.IsSome)
                still.IfSome(p => processes.Add(
                    (new ReplacedProcess(p.Pid, p.Version, p.Since, counts, p.Services, p.Reported)
                    {
                        PlaceSlots = p.PlaceSlots,
                        ClientColumn = p.ClientColumn,
                    }, its)));
            else
            {
                counts?.Dispose();
                if (!own)
                    its.Dispose();
            }
        }

        return processes;
    }

    private Either<Problem, LinkMessage> Next(string word) => link.Receive(Patience).Match(
        Some: message => message.Word == word
            ? Either<Problem, LinkMessage>.Right(message)
            : message.Word == LinkMessage.Closed
                ? GivenUp
                : HandoverJson.NotUnderstood($"'{message.Word}' came in place of '{word}'"),
        None: () => GivenUp);

    // What files have is not handed over; each is read once, so that what is begun with is what is served.
    private Either<Problem, Handover> Filled(Handover handover)
    {
        var state = handover.State;
        var filled = handover with
        {
            State = state with
            {
                Config = files.Fill(state.Config),
                Services = state.Services.Map(service => service with { Config = files.Fill(service.Config) }),
            },
        };
        return files.Findings.IsEmpty ? filled : FindingProblem.Of("", files.Findings[0]);
    }

    private Either<Problem, Handover> Understand(LinkMessage message) =>
        Link.DocumentOf(message) is { } document
            ? HandoverJson.Read(document).Bind(Filled)
            : HandoverJson.NotUnderstood("it could not be read");

    private static Problem GivenUp => new(
        "upgrade_given_up",
        "the running process has abandoned the upgrade, or has ended",
        "it was stopped in the meantime, or this process took too long",
        "run 'bal status', then 'bal upgrade' or 'bal start -d'");
}
