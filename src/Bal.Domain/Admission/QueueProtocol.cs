using LanguageExt;

namespace Bal.Domain.Admission;

/// <summary>What somebody is about to do.</summary>
public enum QueueStage
{
    /// <summary>A client comes, and is about to look whether others wait.</summary>
    Arriving,

    /// <summary>It is about to look for a backend with room.</summary>
    Looking,

    /// <summary>It has seen room, and is about to take the place.</summary>
    Taking,

    /// <summary>It is about to join the line.</summary>
    Joining,

    /// <summary>An operator is about to change the limit of a backend.</summary>
    Changing,

    /// <summary>Somebody who has changed something is about to look whether anybody waits.</summary>
    Checking,

    /// <summary>It has the lock of the line, and is about to look for room for the first who waits.</summary>
    Serving,

    /// <summary>It has the lock and has seen room, and is about to take that place for the first who waits.</summary>
    Handing,

    /// <summary>It has nothing to do: it waits, or has its place.</summary>
    Resting,

    /// <summary>It is gone.</summary>
    Gone,
}

/// <summary>A client, or an operator, with the thread that acts for it.</summary>
/// <param name="Stage">What comes next.</param>
/// <param name="Held">The backend in which it has a place; negative for none.</param>
/// <param name="Seen">The backend that was seen to have room, or is to change.</param>
/// <param name="Limit">The limit that an operator sets.</param>
/// <param name="Impatient">It may leave while it waits, or be told that it has waited for too long.</param>
/// <param name="Ended">It has had its place, or has done what it came for.</param>
public sealed record QueueActor(QueueStage Stage, int Held, int Seen, int Limit, bool Impatient, bool Ended)
{
    /// <summary>A client that is about to come.</summary>
    public static QueueActor Client(bool impatient = false) =>
        new(QueueStage.Arriving, -1, -1, 0, impatient, Ended: false);

    /// <summary>An operator who is about to set the limit of a backend; 0 takes it out of rotation.</summary>
    public static QueueActor Operator(int backend, int limit) =>
        new(QueueStage.Changing, -1, backend, limit, Impatient: false, Ended: true);
}

/// <summary>
/// A model of how places of backends and those who wait for one go together. Each step is one that no other thread can
/// come between: a read, a compare and swap, or what is done under the lock without looking at a place. The line of the
/// data plane does the same in the same order, and whatever order the threads take, no place is given twice, and nobody
/// waits while a place is free: <c>QueueProtocolSpecs</c> tries them all.
/// </summary>
/// <param name="Taken">Places taken in each backend.</param>
/// <param name="Limits">Their limits; 0 for one that is not usable.</param>
/// <param name="Line">Who waits, in the order of their turns.</param>
/// <param name="QueueLimit">How many may.</param>
/// <param name="LockedBy">Who has the lock of the line; negative for nobody.</param>
/// <param name="Actors">Everybody; a client's number is its turn.</param>
public sealed record QueueProtocol(
    Arr<int> Taken, Arr<int> Limits, Arr<int> Line, int QueueLimit, int LockedBy, Arr<QueueActor> Actors)
{
    /// <summary>Nobody has come yet.</summary>
    public static QueueProtocol Of(Arr<int> limits, int queueLimit, Arr<QueueActor> actors) =>
        new(limits.Map(_ => 0), limits, Arr<int>.Empty, queueLimit, -1, actors);

    /// <summary>Whether a backend that is usable has a place.</summary>
    public bool HasRoom => FirstWithRoom() >= 0;

    /// <summary>Whether nobody is in the middle of something.</summary>
    public bool IsAtRest => Actors.ForAll(actor => actor.Stage is QueueStage.Resting or QueueStage.Gone);

    /// <summary>What may happen next: for each actor that can act, the states that it can lead to.</summary>
    public Arr<QueueProtocol> Next() => new(Enumerable.Range(0, Actors.Count).SelectMany(Moves));

    private IEnumerable<QueueProtocol> Moves(int who)
    {
        var actor = Actors[who];
        var isFree = LockedBy < 0;
        switch (actor.Stage)
        {
            case QueueStage.Arriving:
                yield return With(who, actor with { Stage = Line.IsEmpty ? QueueStage.Looking : QueueStage.Joining });
                break;
            case QueueStage.Looking:
                yield return IsUsable
                    ? With(who, actor with
                    {
                        Stage = HasRoom ? QueueStage.Taking : QueueStage.Joining,
                        Seen = FirstWithRoom(),
                    })
                    : With(who, actor with { Stage = QueueStage.Gone });
                break;
            case QueueStage.Taking:
                yield return IsRoomIn(actor.Seen)
                    ? Take(actor.Seen).With(who, actor with { Stage = QueueStage.Resting, Held = actor.Seen })
                    : With(who, actor with { Stage = QueueStage.Looking });
                break;
            case QueueStage.Joining when isFree:
                yield return Line.Count >= QueueLimit
                    ? With(who, actor with { Stage = QueueStage.Gone })
                    : With(who, actor with { Stage = QueueStage.Checking }) with
                    {
                        Line = new(Line.Add(who).OrderBy(turn => turn)),
                    };
                break;
            case QueueStage.Changing:
                yield return With(who, actor with { Stage = QueueStage.Checking }) with
                {
                    Limits = Limits.SetItem(actor.Seen, actor.Limit),
                };
                break;
            case QueueStage.Checking when Line.IsEmpty:
                yield return With(who, Rested(actor));
                break;
            case QueueStage.Checking when isFree:
                yield return With(who, actor with { Stage = QueueStage.Serving }) with { LockedBy = who };
                break;
            case QueueStage.Serving:
                yield return Serve(who, actor);
                break;
            case QueueStage.Handing:
                yield return Hand(who, actor);
                break;
            case QueueStage.Resting when actor.Held >= 0:
                yield return With(who, actor with { Stage = QueueStage.Checking, Held = -1, Ended = true }) with
                {
                    Taken = Taken.SetItem(actor.Held, Taken[actor.Held] - 1),
                };
                break;
            case QueueStage.Resting when actor.Impatient && isFree && Line.Contains(who):
                yield return With(who, actor with { Stage = QueueStage.Gone }) with
                {
                    Line = Line.Filter(other => other != who),
                };
                break;
            default:
                break;
        }
    }

    private QueueProtocol Serve(int who, QueueActor actor)
    {
        if (Line.IsEmpty || (IsUsable && !HasRoom))
            return With(who, Rested(actor)) with { LockedBy = -1 };
        if (HasRoom)
            return With(who, actor with { Stage = QueueStage.Handing, Seen = FirstWithRoom() });
        // There is nothing left to wait for.
        var first = Line[0];
        return With(first, Actors[first] with { Stage = QueueStage.Gone }) with { Line = Line.RemoveAt(0) };
    }

    private QueueProtocol Hand(int who, QueueActor actor)
    {
        var again = With(who, actor with { Stage = QueueStage.Serving });
        if (!IsRoomIn(actor.Seen))
            return again;
        var first = Line[0];
        var served = again.Take(actor.Seen) with { Line = Line.RemoveAt(0) };
        return served.With(first, served.Actors[first] with { Held = actor.Seen });
    }

    private static QueueActor Rested(QueueActor actor) =>
        actor with { Stage = actor.Ended ? QueueStage.Gone : QueueStage.Resting };

    private bool IsUsable => Limits.Exists(limit => limit > 0);

    private bool IsRoomIn(int backend) => PlaceRule.HasRoom(Taken[backend], 0, Limits[backend]);

    private int FirstWithRoom()
    {
        for (var backend = 0; backend < Limits.Count; backend++)
        {
            if (IsRoomIn(backend))
                return backend;
        }

        return -1;
    }

    private QueueProtocol Take(int backend) => this with { Taken = Taken.SetItem(backend, Taken[backend] + 1) };

    private QueueProtocol With(int who, QueueActor actor) => this with { Actors = Actors.SetItem(who, actor) };
}
