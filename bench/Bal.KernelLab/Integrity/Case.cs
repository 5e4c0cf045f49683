namespace Bal.KernelLab.Integrity;

/// <summary>What one end of a stream does.</summary>
internal delegate Task<Outcome> End(Connection connection);

/// <summary>A promise of the relay, as what a client and a backend do at the same time.</summary>
/// <param name="Name">How the case is called on the command line and in the results.</param>
/// <param name="Streams">How many at once in a round.</param>
/// <param name="Client">Its client's end.</param>
/// <param name="Server">Its backend's end.</param>
/// <param name="Counted">Whether all that is sent arrives, so that the relay's counters must say so.</param>
internal sealed record Case(string Name, int Streams, End Client, End Server, bool Counted = true)
{
    /// <summary>
    /// Above the sum of all socket buffers between the two ends: tcp_rmem and tcp_wmem of the relay, twice 36 MiB
    /// here.
    /// </summary>
    private const long StallBound = 128 << 20;
    private const int Rounds = 40;

    public static IReadOnlyList<Case> All { get; } =
    [
        // Bytes that are there before the relay is; then a FIN, and the answer comes over the half that is left.
        new("client_first_then_half_closed", 100, SendThenReceive, ReceiveThenSend),
        new("server_first_then_half_closed", 100, ReceiveThenSend, SendThenReceive),
        new("both_at_once", 100, Both, Both),
        new("fin_in_the_last_segment", 200, BothWithFin, BothWithFin),
        new("question_and_answer", 50, Ask, Answer),
        new("slow_reader", 8, SendLong, ReadSlowly),
        new("slow_reader_of_the_answer", 8, ReadSlowly, SendLong),
        new("reset_after_the_bytes", 100, SendThenReset, ReceiveThenReset, Counted: false),
        new("reset_by_the_server", 100, AskThenReset, AnswerThenReset, Counted: false),
        new("stalled_reader", 1, c => c.SendUntilRefused(StallBound), c => c.ReadNothing(), Counted: false),
    ];

    private static async Task<Outcome> Each(params Func<Task<Outcome>>[] steps)
    {
        foreach (var step in steps)
        {
            var outcome = await step();
            if (outcome != Outcome.Fine)
                return outcome;
        }

        return Outcome.Fine;
    }

    private static Task<Outcome> SendThenReceive(Connection c) =>
        Each(() => c.Send(c.Size()), c.Fin, () => c.Receive(), c.ReceiveEnd);

    private static Task<Outcome> ReceiveThenSend(Connection c) =>
        Each(() => c.Receive(), c.ReceiveEnd, () => c.Send(c.Size()), c.Fin);

    private static async Task<Outcome> Both(Connection c)
    {
        var sending = Each(() => c.Send(c.Size()), c.Fin);
        var received = await Each(() => c.Receive(), c.ReceiveEnd);
        return received != Outcome.Fine ? received : await sending;
    }

    private static Task<Outcome> BothWithFin(Connection c) =>
        Each(() => c.SendWithFin(c.Random.Next(2000)), () => c.Receive(), c.ReceiveEnd);

    private static Task<Outcome> Ask(Connection c) => Each(
        [.. Repeat(() => c.Send(c.Size() / 4), () => c.Receive()), c.Fin, c.ReceiveEnd]);

    private static Task<Outcome> Answer(Connection c) => Each(
        [.. Repeat(() => c.Receive(), () => c.Send(c.Size() / 4)), c.ReceiveEnd, c.Fin]);

    private static IEnumerable<Func<Task<Outcome>>> Repeat(params Func<Task<Outcome>>[] steps) =>
        Enumerable.Repeat(steps, Rounds).SelectMany(s => s);

    private static Task<Outcome> SendLong(Connection c) =>
        Each(() => c.Send((4 << 20) + c.Random.Next(4 << 20)), c.Fin, () => c.Receive(), c.ReceiveEnd);

    private static Task<Outcome> ReadSlowly(Connection c) =>
        Each(c.ReceiveSlowly, c.ReceiveEnd, () => c.Send(c.Size()), c.Fin);

    private static Task<Outcome> SendThenReset(Connection c) => Each(() => c.Send(c.Size()), c.ResetWhenDelivered);

    // An RST before connect(2) is known to have succeeded would look like a refused connection.
    private static Task<Outcome> AskThenReset(Connection c) => Each(() => c.Send(1), () => ReceiveThenReset(c));

    private static Task<Outcome> AnswerThenReset(Connection c) => Each(() => c.Receive(), () => SendThenReset(c));

    private static Task<Outcome> ReceiveThenReset(Connection c) => Each(() => c.Receive(), c.ReceiveReset);
}
