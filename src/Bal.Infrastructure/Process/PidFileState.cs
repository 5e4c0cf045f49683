using Bal.Domain.Messages;

namespace Bal.Infrastructure.Process;

/// <summary>What a PID file tells another process.</summary>
public abstract record PidFileState
{
    private PidFileState() { }

    /// <summary>There is no file: nothing runs.</summary>
    public sealed record Missing : PidFileState;

    /// <summary>A process holds the lock: it runs.</summary>
    /// <param name="Pid">The holder as the kernel names it.</param>
    /// <param name="ContentAgrees">Whether the file says the same; it does not while a daemon is still
    /// starting.</param>
    public sealed record Held(int Pid, bool ContentAgrees) : PidFileState;

    /// <summary>A file that nobody has locked: a crash, or somebody else's hand. The next start replaces it.</summary>
    /// <param name="Content">What it says.</param>
    public sealed record Stale(PidContent Content) : PidFileState;

    /// <summary>It cannot be known.</summary>
    /// <param name="Problem">Why.</param>
    public sealed record Unreadable(Problem Problem) : PidFileState;

    /// <summary>Applies the function of the case that this state is.</summary>
    public T Match<T>(
        Func<T> missing, Func<Held, T> held, Func<PidContent, T> stale, Func<Problem, T> unreadable) => this switch
        {
            Missing => missing(),
            Held h => held(h),
            Stale s => stale(s.Content),
            Unreadable u => unreadable(u.Problem),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
