using Bal.Domain.Admission;
using LanguageExt;

namespace Bal.Domain.Specs.Admission;

/// <summary>Every schedule of a few threads: each of their steps may come at any moment.</summary>
public sealed class QueueProtocolSpecs
{
    private static readonly QueueActor Client = QueueActor.Client();
    private static readonly QueueActor Impatient = QueueActor.Client(impatient: true);

    public static TheoryData<string, QueueProtocol> Worlds
    {
        get
        {
            var worlds = new TheoryData<string, QueueProtocol>();
            void Add(string name, int[] limits, int queue, params QueueActor[] actors) =>
                worlds.Add(name, QueueProtocol.Of(new Arr<int>(limits), queue, new Arr<QueueActor>(actors)));

            Add("two for one place", [1], 10, Client, Client);
            Add("three for one place", [1], 10, Client, Client, Client);
            Add("four for two places", [2], 10, Client, Client, Client, Client);
            Add("four for two backends", [1, 1], 10, Client, Client, Client, Client);
            Add("one of three may leave", [1], 10, Client, Impatient, Client);
            Add("all of three may leave", [1], 10, Impatient, Impatient, Impatient);
            Add("a line of one", [1], 1, Client, Client, Client);
            Add("no line", [1], 0, Client, Client, Client);
            Add("the limit is raised", [1], 10, Client, Client, Client, QueueActor.Operator(0, 2));
            Add("the limit is lowered", [2], 10, Client, Client, Client, QueueActor.Operator(0, 1));
            Add("a backend comes up again", [1, 0], 10, Client, Client, Client, QueueActor.Operator(1, 1));
            Add("a backend goes down", [1, 1], 10, Client, Client, Client, QueueActor.Operator(1, 0));
            Add("the only backend goes down", [1], 10, Client, Client, QueueActor.Operator(0, 0));
            Add("it goes down and comes back, and one may leave", [1], 10,
                Client, Impatient, QueueActor.Operator(0, 0), QueueActor.Operator(0, 1));
            return worlds;
        }
    }

    [Theory]
    [MemberData(nameof(Worlds))]
    public void No_place_is_given_twice_and_nobody_waits_while_one_is_free(string name, QueueProtocol start)
    {
        var found = Explore(start, Faults, state => state.Next());

        Assert.Empty(found.Faults);
        Assert.True(found.States > 10, name);
        Assert.True(found.Ends > 0, name);
    }

    // What the model would miss if a thread did not look again: each leaves somebody waiting beside a free place.
    [Theory]
    [InlineData("who joins does not look for room once more")]
    [InlineData("who frees a place does not look whether anybody waits")]
    [InlineData("a reload does not look whether anybody waits")]
    public void Without_one_of_its_looks_somebody_would_wait_for_ever(string without)
    {
        // Where an operator looks, nobody else needs to.
        var actors = without.StartsWith("a reload", StringComparison.Ordinal)
            ? Prelude.Array(Client, Client, QueueActor.Operator(0, 2)) : Prelude.Array(Client, Client);
        var start = QueueProtocol.Of(Prelude.Array(1), 10, actors);

        Assert.NotEmpty(Explore(start, Faults, Broken).Faults);

        IEnumerable<QueueProtocol> Broken(QueueProtocol state) => state.Next().Map(next =>
        {
            for (var i = 0; i < next.Actors.Count; i++)
            {
                var (was, now) = (state.Actors[i], next.Actors[i]);
                var skips = now.Stage == QueueStage.Checking && was.Stage != now.Stage && was.Stage switch
                {
                    QueueStage.Joining => without.StartsWith("who joins", StringComparison.Ordinal),
                    QueueStage.Resting => without.StartsWith("who frees", StringComparison.Ordinal),
                    _ => without.StartsWith("a reload", StringComparison.Ordinal),
                };
                if (skips)
                    return next with
                    {
                        Actors = next.Actors.SetItem(i, now with
                        {
                            Stage = now.Ended ? QueueStage.Gone : QueueStage.Resting,
                        }),
                    };
            }

            return next;
        });
    }

    private static IEnumerable<string> Faults(QueueProtocol state, QueueProtocol next)
    {
        for (var backend = 0; backend < next.Limits.Count; backend++)
        {
            if (next.Taken[backend] > state.Taken[backend] && next.Taken[backend] > next.Limits[backend])
                yield return $"a place is taken beyond the limit: {next}";
            if (next.Taken[backend] != next.Actors.Count(a => a.Held == backend))
                yield return $"a place is lost: {next}";
        }

        // Whoever is served out of the line is the first of it.
        var served = state.Line.Filter(who => !next.Line.Contains(who) && next.Actors[who].Held >= 0);
        if (!served.IsEmpty && served[0] != state.Line[0])
            yield return $"{served[0]} is served before {state.Line[0]}";
        if (next.IsAtRest && !next.Line.IsEmpty && (next.HasRoom || next.Limits.ForAll(limit => limit == 0)))
            yield return $"somebody waits for nothing: {next}";
        if (next.Line.Count > next.QueueLimit)
            yield return $"too many wait: {next}";
    }

    private sealed record Found(int States, int Ends, IReadOnlyList<string> Faults);

    private static Found Explore(
        QueueProtocol start, Func<QueueProtocol, QueueProtocol, IEnumerable<string>> faultsOf,
        Func<QueueProtocol, IEnumerable<QueueProtocol>> moves)
    {
        var (seen, open, ends, faults) =
            (new System.Collections.Generic.HashSet<string>(), new Stack<QueueProtocol>(), 0, new List<string>());
        open.Push(start);
        while (open.TryPop(out var state) && faults.Count == 0)
        {
            var next = moves(state).ToList();
            foreach (var one in next)
            {
                faults.AddRange(faultsOf(state, one));
                if (seen.Add(KeyOf(one)))
                    open.Push(one);
            }

            if (next.Count > 0)
                continue;
            ends++;
            if (state.Actors.Exists(a => a.Stage != QueueStage.Gone))
                faults.Add($"nothing happens any more: {KeyOf(state)}");
        }

        return new(seen.Count, ends, faults);
    }

    private static string KeyOf(QueueProtocol state) =>
        $"{string.Join(',', state.Taken)}|{string.Join(',', state.Limits)}|{string.Join(',', state.Line)}|"
        + $"{state.LockedBy}|{string.Join(' ', state.Actors.Select(
            a => $"{(int)a.Stage}.{a.Held}.{a.Seen}.{(a.Ended ? 1 : 0)}"))}";
}
