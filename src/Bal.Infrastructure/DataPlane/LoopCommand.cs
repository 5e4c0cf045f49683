using Bal.Domain.Control;
using Bal.Domain.Counting;

namespace Bal.Infrastructure.DataPlane;

/// <summary>What the supervisor asks of a loop.</summary>
internal abstract record LoopCommand
{
    private LoopCommand() { }

    /// <summary>
    /// Accept clients of a service from this listening descriptor, which is the loop's from now on; with names, of the
    /// services that they ask for.
    /// </summary>
    public sealed record Listen(int Fd, int Service, int Tag, ListenerNames? Names) : LoopCommand;

    /// <summary>Clients of a listener are another service's from now on, or are told apart by other names.</summary>
    public sealed record Reassign(int Tag, int Service, ListenerNames? Names) : LoopCommand;

    /// <summary>
    /// Accept what waits in the listener's queue, then close it and report <see cref="LoopReportKind.Unlistened"/>;
    /// connections that are just being set up get a moment to complete first, unless the socket
    /// <paramref name="OutlivesBal"/> with its owner, for whom it must stay as it is.
    /// </summary>
    public sealed record Unlisten(int Tag, bool OutlivesBal) : LoopCommand;

    /// <summary>Like <see cref="Unlisten"/> for every listener, at rest without emptying its queue; from now on the end
    /// of the last session is reported.</summary>
    public sealed record Stop : LoopCommand;

    /// <summary>Accept nothing, and leave the listeners as they are: another process is about to serve them.</summary>
    public sealed record Rest : LoopCommand;

    /// <summary>Accept again.</summary>
    public sealed record Resume : LoopCommand;

    /// <summary>Count the connections of these backends where <c>max_connections</c> is judged.</summary>
    public sealed record Join(RouteTarget[] Targets) : LoopCommand;

    /// <summary>Count the open connections of a service where limits for each client are judged.</summary>
    public sealed record CountClients(int Service) : LoopCommand;

    /// <summary>Keep nothing that has to do with a service: its memory is about to be freed.</summary>
    public sealed record Forget(int Service) : LoopCommand;

    /// <summary>Sessions may end sooner, or their peers are to be asked: look at every one again.</summary>
    public sealed record Retime : LoopCommand;

    /// <summary>End one of every so many sessions (<see cref="CutShares"/>).</summary>
    public sealed record Cut(int OneOf) : LoopCommand;

    /// <summary>
    /// End the connections of a backend, and have those that still connect to it go on elsewhere; all of them, or only
    /// those that were sent there by an earlier table than the present one.
    /// </summary>
    public sealed record Reset(int Backend, TerminationReason Reason, bool All) : LoopCommand;

    /// <summary>Give every rejected client its place in the access log now, and signal that.</summary>
    public sealed record SayHeld(CountdownEvent Said) : LoopCommand;

    /// <summary>Look at every session, some in each turn of the loop.</summary>
    public sealed record Walk(SessionWalk Sessions) : LoopCommand;

    /// <summary>Report when everything before this has been done.</summary>
    public sealed record Sync(int Number) : LoopCommand;

    /// <summary>Run something on the loop's thread; only tests look at a loop like this.</summary>
    public sealed record Look(Action Glance) : LoopCommand;

    /// <summary>End the thread.</summary>
    public sealed record End : LoopCommand;
}
