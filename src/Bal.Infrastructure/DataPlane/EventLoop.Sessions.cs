using System.Text;
using Bal.Domain.Counting;
using Bal.Domain.Relay;
using Bal.Domain.Reports;

namespace Bal.Infrastructure.DataPlane;

/// <summary>What operators want to know of open sessions, or do to them, some sessions in each turn.</summary>
internal sealed unsafe partial class EventLoop
{
    /// <summary>Sessions looked at in a turn, and ended in a turn: some hundred microseconds each.</summary>
    private const int LooksInATurn = 1_024;
    private const int EndsInATurn = 128;

    private readonly Queue<SessionWalk> walks = new();

    private void WalkOn()
    {
        if (!walks.TryPeek(out var walk))
            return;
        var (looks, ends) = (LooksInATurn, EndsInATurn);
        while (looks-- > 0 && ends > 0)
        {
            var session = sessions.At(walk.Position);
            if (session == null)
            {
                walks.Dequeue();
                walk.End();
                return;
            }

            walk.Position++;
            if (session->State is SessionState.Free or SessionState.Closed)
                continue;
            walk.Total++;
            if (walk.Ends is null)
                Show(session, walk);
            else if (EndIfMeant(session, walk, walk.Ends))
                ends--;
        }
    }

    private bool EndIfMeant(Session* session, SessionWalk walk, SessionChoice meant)
    {
        var host = stackalloc byte[16];
        if (!meant.Means(session->BackendId, SourceOf(session).Host(new(host, 16))))
            return false;
        walk.Ended++;
        Abort(session, TerminationReason.SessionsReset);
        return true;
    }

    private void Show(Session* session, SessionWalk walk)
    {
        var (age, idle) = (now - session->Started, now - session->LastActivity);
        var rank = walk.Sort.Rank(age, idle, session->BytesIn + session->BytesOut);
        if (!walk.Wants(rank))
            return;
        AccessRecord record = default;
        Describe(session, serviceOf(session->Service), ref record);
        walk.Add(new SessionEntry(
            rank, record, session->State, session->Waiter != null, session->FinAt != 0, idle)
        {
            ServerName = session->Name == null ? null : Encoding.ASCII.GetString(NameOf(session)),
        });
    }
}
