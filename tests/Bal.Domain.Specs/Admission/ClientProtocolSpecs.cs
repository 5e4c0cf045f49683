using Bal.Domain.Admission;
using LanguageExt;

namespace Bal.Domain.Specs.Admission;

/// <summary>Every schedule of a few threads of two processes: each of their steps may come at any moment.</summary>
public sealed class ClientProtocolSpecs
{
    private const int Nobody = -1;

    public static TheoryData<string, ClientProtocol> Worlds
    {
        get
        {
            var worlds = new TheoryData<string, ClientProtocol>();
            void Add(string name, int[] known, int limit, int dying, params (int Process, int Client)[] actors) =>
                worlds.Add(name, World(known, limit, dying, actors));

            Add("two loops, one connection", [7], 1, Nobody, (0, 7), (0, 7));
            Add("two processes, one connection", [7], 1, Nobody, (0, 7), (1, 7));
            Add("three for two", [7], 2, Nobody, (0, 7), (0, 7), (1, 7));
            Add("two loops of one process and one of another", [7], 1, Nobody, (0, 7), (0, 7), (1, 7));
            Add("a client that two processes meet first", [Nobody, Nobody], 1, Nobody, (0, 7), (1, 7));
            Add("a client that two loops meet first", [Nobody, Nobody], 1, Nobody, (0, 7), (0, 7));
            Add("one is forgotten for another", [1], 1, Nobody, (0, 1), (0, 2));
            Add("one is forgotten by another process", [1], 1, Nobody, (0, 1), (1, 2));
            Add("one is forgotten while it comes twice", [1], 1, Nobody, (0, 1), (0, 1), (1, 2));
            Add("three for one entry", [1], 1, Nobody, (0, 1), (1, 2), (0, 3));
            Add("three for two entries", [1, 2], 1, Nobody, (0, 1), (1, 2), (0, 3));
            Add("a process is killed", [1], 1, 0, (0, 1), (1, 2));
            Add("a process is killed and its client comes again", [1], 1, 0, (0, 1), (1, 1));
            Add("a process is killed while it forgets", [1], 1, 0, (0, 2), (1, 1), (1, 1));
            Add("a process is killed while another forgets", [1], 1, 1, (0, 2), (1, 1), (0, 1));
            return worlds;
        }
    }

    [Theory]
    [MemberData(nameof(Worlds))]
    public void No_client_has_more_than_it_may_and_none_with_connections_is_forgotten(
        string name, ClientProtocol start)
    {
        var found = Explore(start, state => state.Next());

        Assert.Empty(found.Faults);
        Assert.True(found.States > 10, name);
        Assert.True(found.Ends > 0, name);
    }

    // Each look that a thread takes has its reason.
    [Theory]
    [InlineData("nobody looks at the mark")]
    [InlineData("nobody looks whose entry it is")]
    [InlineData("nobody looks at the other processes again")]
    [InlineData("who forgets asks nobody")]
    [InlineData("who finds nothing does not look under the lock")]
    public void Without_one_of_its_looks_a_limit_would_not_hold(string without)
    {
        ClientProtocol[] worlds =
        [
            World([7], 1, Nobody, (0, 7), (1, 7)), World([1], 1, Nobody, (0, 1), (1, 2)),
            World([1], 1, Nobody, (0, 1), (1, 2), (0, 1)), World([Nobody, Nobody], 1, Nobody, (0, 7), (1, 7)),
        ];

        Assert.Contains(worlds, world => Explore(world, Broken).Faults.Count > 0);

        IEnumerable<ClientProtocol> Broken(ClientProtocol state) => state.Next().Map(next =>
        {
            for (var i = 0; i < next.Actors.Count; i++)
            {
                var (was, now) = (state.Actors[i], next.Actors[i]);
                ClientActor? skips = (was.Stage, without) switch
                {
                    (ClientStage.Watching, "nobody looks at the mark") when !was.Refuses =>
                        was with { Stage = ClientStage.Recognising },
                    (ClientStage.Recognising, "nobody looks whose entry it is") when !was.Refuses =>
                        was with { Stage = ClientStage.Confirming },
                    (ClientStage.Confirming, "nobody looks at the other processes again") =>
                        was with { Stage = ClientStage.Open },
                    (ClientStage.Asking, "who forgets asks nobody") =>
                        was with { Stage = ClientStage.Replacing },
                    _ => null,
                };
                if (skips is not null && was != now)
                    return next with { Actors = next.Actors.SetItem(i, skips) };
                if (was.Stage == ClientStage.Adding && without.StartsWith("who finds", StringComparison.Ordinal)
                    && state.Slots.Select(slot => slot.Client).ToList().IndexOf(-1) is >= 0 and var free)
                {
                    return next with
                    {
                        Actors = next.Actors.SetItem(i, now with { Slot = free }),
                        Slots = state.Slots.SetItem(free, new(was.Client, Marked: false)),
                    };
                }
            }

            return next;
        });
    }

    [Fact]
    public void Clients_that_do_not_share_an_entry_are_never_refused_for_another()
    {
        var refused = Explore(
            World([1, 2], 1, Nobody, (0, 1), (1, 2)), state => state.Next(),
            state => state.Actors.Exists(actor => actor.Refused) ? ["refused"] : []);

        Assert.Empty(refused.Faults);
    }

    [Fact]
    public void Who_is_not_told_apart_shares_one_limit_with_the_others_of_the_kind()
    {
        var together = 0;
        var found = Explore(
            World([1], 1, Nobody, (0, 1), (0, 2), (0, 3)), state => state.Next(), state =>
            {
                together = Math.Max(together, state.Actors.Count(IsShared));
                return [];

                bool IsShared(ClientActor actor) => actor.Stage == ClientStage.Open && actor.Slot == state.Shared;
            });

        Assert.Empty(found.Faults);
        Assert.Equal(1, together);
    }

    private static ClientProtocol World(int[] known, int limit, int dying, params (int Process, int Client)[] actors) =>
        ClientProtocol.Of(
            new Arr<int>(known), limit, new Arr<bool>([dying == 0, dying == 1]),
            new Arr<ClientActor>(actors.Select(actor => ClientActor.Of(actor.Process, actor.Client))));

    private static IEnumerable<string> Faults(ClientProtocol state)
    {
        var open = state.Actors.Filter(actor => actor.Stage == ClientStage.Open);
        for (var slot = 0; slot <= state.Shared; slot++)
        {
            if (open.Count(actor => actor.Slot == slot) > state.Limit)
                yield return $"too many connections: {KeyOf(state)}";
        }

        if (open.Exists(actor => actor.Slot != state.Shared && state.Slots[actor.Slot].Client != actor.Client))
            yield return $"a client with a connection is forgotten: {KeyOf(state)}";
        var known = state.Slots.Filter(slot => slot.Client >= 0).Map(slot => slot.Client);
        if (known.Distinct().Count() < known.Count)
            yield return $"a client has two entries: {KeyOf(state)}";
        if (!state.IsAtRest)
            yield break;
        for (var process = 0; process < state.Open.Count; process++)
        {
            for (var slot = 0; slot <= state.Shared; slot++)
            {
                if (!state.Dead[process] && state.Open[process][slot]
                    != open.Count(actor => actor.Process == process && actor.Slot == slot))
                    yield return $"a count is wrong: {KeyOf(state)}";
            }
        }
    }

    private sealed record Found(int States, int Ends, IReadOnlyList<string> Faults);

    private static Found Explore(
        ClientProtocol start, Func<ClientProtocol, IEnumerable<ClientProtocol>> moves,
        Func<ClientProtocol, IEnumerable<string>>? more = null)
    {
        var (seen, open, ends, faults) =
            (new System.Collections.Generic.HashSet<string>(), new Stack<ClientProtocol>(), 0, new List<string>());
        open.Push(start);
        while (open.TryPop(out var state) && faults.Count == 0)
        {
            var next = moves(state).ToList();
            foreach (var one in next.Where(one => seen.Add(KeyOf(one))))
            {
                faults.AddRange(Faults(one).Concat(more?.Invoke(one) ?? []));
                open.Push(one);
            }

            if (next.Count > 0)
                continue;
            ends++;
            if (!state.IsAtRest || state.Slots.Exists(slot => slot.Marked)
                || state.Open.Exists(column => column.Exists(count => count != 0)))
                faults.Add($"something is left behind: {KeyOf(state)}");
        }

        return new(seen.Count, ends, faults);
    }

    private static string KeyOf(ClientProtocol state) =>
        $"{string.Join(',', state.Slots.Select(s => $"{s.Client}{(s.Marked ? "!" : "")}"))}|"
        + $"{string.Join('/', state.Open.Select(column => string.Join(',', column)))}|{state.LockedBy}|"
        + $"{string.Join(',', state.Dead)}|{string.Join(' ', state.Actors.Select(a =>
            $"{(int)a.Stage}.{a.Slot}.{a.Sum}.{a.Asked}.{(a.Refuses ? 1 : 0)}"))}";
}
