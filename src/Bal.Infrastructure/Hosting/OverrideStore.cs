using Bal.Application;
using Bal.Domain.Control;
using Bal.Domain.Recording;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Process;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// Writes what operators order on a thread of its own, so that a disk that hangs stops nothing but the answer that it
/// is on disk. There is no thread while there is nothing to write.
/// </summary>
/// <param name="reactor">Told what came of it.</param>
/// <param name="path">Of the file.</param>
internal sealed class OverrideStore(Reactor reactor, string path) : IOverrideFile
{
    private static readonly TimeSpan HoldPatience = TimeSpan.FromSeconds(1);

    private readonly OverrideFile file = new(path);
    private readonly object gate = new();
    private (long Change, OverrideDocument Document)? pending;
    private bool isBusy;
    private bool isHeld;

    /// <summary>Starts a thread; for tests.</summary>
    internal Func<string, ThreadStart, bool> TryStart { get; init; } = Worker.TryStart;

    /// <inheritdoc/>
    public Option<ControlEvent.OverridesRead> Read() => file.Read();

    /// <inheritdoc/>
    public void Keep(long change, OverrideDocument document)
    {
        lock (gate)
        {
            pending = (change, document);
            Begin();
        }
    }

    /// <summary>
    /// With true, what is being written is waited for, and no more begins: another process may be about to write. With
    /// false, the file is this process's again.
    /// </summary>
    public void Hold(bool held)
    {
        lock (gate)
        {
            isHeld = held;
            if (held && isBusy)
                Monitor.Wait(gate, HoldPatience);
            else
                Begin();
        }
    }

    private void Begin()
    {
        if (isBusy || isHeld || pending is null)
            return;
        isBusy = true;
        // At a limit on threads the supervisor has to wait for the disk itself.
        if (!TryStart("overrides", Work))
            Work();
    }

    private void Work()
    {
        while (Next() is { } next)
        {
            var whyNot = file.Write(next.Document);
            reactor.PostFromOutside(
                new SupervisorInput.Happened(new ControlEvent.OverridesKept(next.Change, whyNot)), Urgency.Request);
        }
    }

    private (long Change, OverrideDocument Document)? Next()
    {
        lock (gate)
        {
            var next = isHeld ? null : pending;
            if (next is null)
            {
                isBusy = false;
                Monitor.PulseAll(gate);
            }
            else
            {
                pending = null;
            }

            return next;
        }
    }
}
