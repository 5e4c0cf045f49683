using System.Collections.Concurrent;

namespace Bal.Infrastructure.DataPlane;

/// <summary>What operators want to know of open connections, or do to them.</summary>
internal sealed partial class Plane
{
    private readonly ConcurrentQueue<Action> walked = new();

    // Walks that have begun and whose end has not been told.
    private int walksOpen;

    /// <summary>
    /// Has every loop look at its sessions; <paramref name="done"/> is told in a later <see cref="Collect"/>.
    /// </summary>
    /// <param name="of">A walk for one loop; it is to call what it is given when it is done.</param>
    /// <param name="done">Told the walks of all loops.</param>
    public void Walk(Func<Action, SessionWalk> of, Action<IReadOnlyList<SessionWalk>> done)
    {
        var walking = loops.Length;
        walksOpen++;
        SessionWalk[] walks = [];
        walks = [.. loops.Select(_ => of(() =>
        {
            if (Interlocked.Decrement(ref walking) > 0)
                return;
            walked.Enqueue(() => done(walks));
            supervisor.Signal();
        }))];
        for (var i = 0; i < loops.Length; i++)
            loops[i].Post(new LoopCommand.Walk(walks[i]));
    }

    /// <summary>
    /// Has the loops say of rejected clients what they hold back, and waits for that, but not for long: the last words
    /// of a process count what is in its log.
    /// </summary>
    public void SayHeld(TimeSpan patience)
    {
        // Not disposed: a loop that is late signals all the same.
        var said = new CountdownEvent(loops.Length);
        Tell(new LoopCommand.SayHeld(said));
        _ = said.Wait(patience);
    }

    private void EndWalks()
    {
        while (walked.TryDequeue(out var over))
        {
            walksOpen--;
            over();
        }
    }
}
