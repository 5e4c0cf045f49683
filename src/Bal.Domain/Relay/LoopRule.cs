namespace Bal.Domain.Relay;

/// <summary>Small decisions of an event loop about its own time and memory.</summary>
public static class LoopRule
{
    /// <summary>Idle pipes of the default size that a loop keeps; further ones are closed.</summary>
    public const int MaxIdlePipes = 8;

    private const int LeastTried = 8;

    /// <summary>How long the loop sleeps where something else is due as well.</summary>
    /// <param name="waitMs">How long it would sleep: milliseconds, or -1 for without end.</param>
    /// <param name="dueInMs">In how many milliseconds the other thing is due; zero or less for now.</param>
    public static int Sooner(int waitMs, long dueInMs)
    {
        var ms = (int)Math.Clamp(dueInMs, 0, int.MaxValue);
        return waitMs < 0 ? ms : Math.Min(waitMs, ms);
    }

    /// <summary>The capacity to which a full list of the backends that a client has tried grows.</summary>
    /// <param name="full">The capacity that is used up; zero where nothing has been tried.</param>
    public static int GrownTried(int full) => Math.Max(LeastTried, full * 2);

    /// <summary>
    /// Whether a pipe that comes back is kept for the next direction. One with bytes inside never is: they would turn
    /// up in somebody else's stream.
    /// </summary>
    /// <param name="bytesInside">How many bytes are in it.</param>
    /// <param name="isLarge">Whether it is one of the few large ones, of which a loop keeps every one.</param>
    /// <param name="idle">Pipes of the default size that are kept already.</param>
    public static bool KeepsPipe(int bytesInside, bool isLarge, int idle) =>
        bytesInside == 0 && (isLarge || idle < MaxIdlePipes);
}
