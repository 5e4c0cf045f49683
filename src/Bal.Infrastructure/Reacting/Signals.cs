using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.Reacting;

/// <summary>What a signal asks for (docs/behaviour.md, Signals). Called on the supervisor's thread.</summary>
/// <param name="Stop">TERM and INT.</param>
/// <param name="Reload">HUP.</param>
/// <param name="ReopenLog">USR1.</param>
/// <param name="Upgrade">USR2.</param>
internal sealed record SignalActions(Action Stop, Action Reload, Action ReopenLog, Action Upgrade);

/// <summary>
/// Signals, read by the supervisor like any other input. Before, they have waited for it
/// (<see cref="SignalMask.BlockEverywhere"/>).
/// </summary>
internal sealed class Signals : IDisposable
{
    private readonly Reactor reactor;
    private readonly SignalActions actions;
    private readonly int fd;
    private readonly ulong tag;

    public Signals(Reactor reactor, SignalActions actions)
    {
        (this.reactor, this.actions) = (reactor, actions);
        SignalMask.BlockHere();
        SignalMask.HeedIgnored();
        fd = SignalMask.Open();
        if (fd < 0)
            throw new InvalidOperationException($"signalfd failed: {Errno.Text(Errno.Last)}");
        tag = reactor.Watch(fd, Libc.EPOLLIN, _ => Read());
    }

    /// <summary>Told of each signal and its sender, before anything comes of it.</summary>
    public Action<int, Peer> Heard { get; init; } = (_, _) => { };

    public void Dispose() => reactor.Close(fd, tag);

    /// <summary>Takes what has come so far.</summary>
    public void Read()
    {
        while (SignalMask.Read(fd, out var sender) is > 0 and var number)
        {
            Heard(number, sender);
            ActionOf(number)();
        }
    }

    private Action ActionOf(int number) => number switch
    {
        Libc.SIGHUP => actions.Reload,
        Libc.SIGUSR1 => actions.ReopenLog,
        Libc.SIGUSR2 => actions.Upgrade,
        _ => actions.Stop,
    };
}
