using Bal.Domain.Messages;
using Bal.Domain.Relay;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// What the kernel or the machine refuses this process and bal does without: said once a process, whichever thread
/// meets it first. What was refused before the log was open is logged as soon as it is.
/// </summary>
internal static class Facilities
{
    private static readonly Lock Gate = new();
    private static readonly List<LogEvent> Unsaid = [];
    private static Action<LogEvent>? say;
    private static long known;
    private static readonly Lock PipeGate = new();
    private static PipeShortage pipes = PipeShortage.None;
    private static bool arePipesShort;

    /// <summary>Called when it was said that no pipe is left, by whichever thread.</summary>
    public static Action OnShortage { get; set; } = () => { };

    /// <summary>Where it is logged from now on.</summary>
    public static void SayTo(Action<LogEvent> log)
    {
        lock (Gate)
        {
            say = log;
            Unsaid.ForEach(log);
            Unsaid.Clear();
        }
    }

    /// <summary>Whether an errno means that this process will never be given such a thing.</summary>
    public static bool MeansRefused(int errno) =>
        errno is Errno.ENOSYS or Errno.EPERM or Errno.EACCES or Errno.EINVAL or Errno.EOPNOTSUPP;

    /// <summary>Notes that a facility was refused.</summary>
    public static void Refused(Facility facility, int errno)
    {
        var bit = 1L << (int)facility;
        if ((Interlocked.Or(ref known, bit) & bit) == 0)
            Say(FacilityText.Refused(facility, Errno.Text(errno)));
    }

    /// <summary>Notes that there was no pipe to splice through (<see cref="PipeShortage"/>).</summary>
    /// <param name="errno">Why not; 0 where what is left is kept for clients.</param>
    public static void NoPipe(int errno)
    {
        PipeStep step;
        lock (PipeGate)
        {
            step = pipes.Wanted(Environment.TickCount64);
            pipes = step.State;
            arePipesShort = pipes.IsSaid;
        }

        if (step.News != PipeNews.Short)
            return;
        Say(FacilityText.PipesExhausted(
            step.Times, errno == 0 ? "no descriptor or no memory for pipes to spare" : Errno.Text(errno)));
        OnShortage();
    }

    /// <summary>Notes that there was one; costs a read of memory where none has been missing.</summary>
    public static void Pipe() => EndShortage(had: true);

    /// <summary>Says that there are pipes again, once that is sure.</summary>
    /// <returns>Whether it is to be called again, some seconds later.</returns>
    public static bool IsStillShort()
    {
        EndShortage(had: false);
        return Volatile.Read(ref arePipesShort);
    }

    private static void EndShortage(bool had)
    {
        if (!Volatile.Read(ref arePipesShort))
            return;
        PipeStep step;
        lock (PipeGate)
        {
            var now = Environment.TickCount64;
            step = had ? pipes.Had(now) : pipes.Tick(now);
            pipes = step.State;
            arePipesShort = pipes.IsSaid;
        }

        if (step.News == PipeNews.Over)
            Say(FacilityText.PipesAvailable(step.Times));
    }

    private static void Say(LogEvent line)
    {
        lock (Gate)
        {
            if (say is null)
                Unsaid.Add(line);
            else
                say(line);
        }
    }
}
