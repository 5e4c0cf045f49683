using System.Runtime.InteropServices;
using System.Text;
using Bal.Domain.Admission;
using Bal.Domain.Counting;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Clients of an address that several services share: the name in their ClientHello says which one they want. It is
/// peeked at (MSG_PEEK), so that the backend gets every byte. Until then the session is one of the listener's service,
/// whose limits it does not touch.
/// </summary>
internal sealed unsafe partial class EventLoop
{
    private readonly Dictionary<int, Gate> gates = [];

    // Beside the buffer, since the name is looked up in the meantime.
    private readonly char[] nameRoom = new char[ClientHello.NameRoom];

    /// <summary>What the loop's listeners of one address have in common.</summary>
    private sealed class Gate
    {
        public int Service { get; set; }

        public ListenerNames? Names { get; set; }

        /// <summary>Sessions of it that have yet to say what they want.</summary>
        public int Greeting { get; set; }

        /// <summary>Its listeners are closed.</summary>
        public bool IsClosed { get; set; }
    }

    private void SetGate(int tag, int service, ListenerNames? names)
    {
        if (!gates.TryGetValue(tag, out var gate))
            gates[tag] = gate = new Gate();
        (gate.Service, gate.Names) = (service, names);
    }

    /// <summary>Says that listeners are closed once no session needs their names any more.</summary>
    private void CloseGate(int tag)
    {
        if (gates.TryGetValue(tag, out var gate) && gate.Greeting > 0)
        {
            gate.IsClosed = true;
            return;
        }

        gates.Remove(tag);
        mailbox.Post(LoopReportKind.Unlistened, tag);
    }

    private void EnterGate(Session* session, int tag)
    {
        session->Listener = tag;
        session->IsGreeted = true;
        gates[tag].Greeting++;
    }

    private void LeaveGate(Session* session)
    {
        var tag = session->Listener;
        session->Listener = 0;
        if (gates.TryGetValue(tag, out var gate) && --gate.Greeting == 0 && gate.IsClosed)
            CloseGate(tag);
    }

    /// <summary>Looks at what the client has sent behind its PROXY header, if there is one.</summary>
    private void LookAtHello(Session* session)
    {
        var seen = Peek(session);
        if (seen < 0)
            return;
        var reading = ClientHello.Read(new(buffer, (int)seen), nameRoom);
        var isAll = seen == 0 || session->Client.Has(SideFlags.ShortReads);
        if (reading.Answer == HelloAnswer.NeedsMore && session->ClientGone)
            CloseSession(session, TerminationReason.ClientAborted);
        else if (reading.Answer == HelloAnswer.NeedsMore && !isAll)
            AwaitBytes(session, reading.Count);
        else
            Choose(session, nameRoom.AsSpan(0, reading.Answer == HelloAnswer.Name ? reading.Count : 0));
    }

    /// <summary>Goes on with the service that the client wants.</summary>
    /// <param name="session">The session.</param>
    /// <param name="name">The name that it asks for; empty for none.</param>
    private void Choose(Session* session, ReadOnlySpan<char> name)
    {
        timers.Disarm(session);
        AwaitAnything(session);
        RememberName(session, name);
        // A reload in between may have given the address to others.
        var gate = gates[session->Listener];
        var chosen = gate.Names is not { } names ? gate.Service
            : name.IsEmpty ? names.Nameless
            : names.Names.Find(name, names.Nameless);
        LeaveGate(session);
        var service = serviceOf(session->Service);
        if (chosen == ListenerNames.None)
        {
            Reject(session, service, Refusal.ServerName);
            return;
        }

        if (chosen != service.Index)
            service = Move(session, service, serviceOf(chosen));
        var snapshot = service.Current;
        if (((session->IsLocal || !snapshot.AsksWho
                ? null
                : Judge(service, snapshot, SourceOf(session), out session->ClientEntry))
            ?? service.TryAdmitGreeted(snapshot.Table.Service.Tuning.MaxConcurrentConnections)) is { } refusal)
        {
            Reject(session, service, refusal);
            return;
        }

        service.Rows.Of(index)[ServiceRow.TotalConnections]++;
        session->IsGreeted = false;
        session->State = SessionState.Connecting;
        Seek(session, service);
    }

    // For the access log and for operators: a byte with the length, then the name, which is ASCII.
    private static void RememberName(Session* session, ReadOnlySpan<char> name)
    {
        if (name.IsEmpty)
            return;
        session->Name = (byte*)NativeMemory.Alloc((nuint)name.Length + 1);
        session->Name[0] = (byte)Encoding.ASCII.GetBytes(name, new Span<byte>(session->Name + 1, name.Length));
    }

    private static ReadOnlySpan<byte> NameOf(Session* session) =>
        session->Name == null ? default : new(session->Name + 1, session->Name[0]);

    private static void ForgetName(Session* session)
    {
        NativeMemory.Free(session->Name);
        session->Name = null;
    }

    /// <summary>From now on the session is one of another service, which has yet to admit it.</summary>
    private ServicePlane Move(Session* session, ServicePlane from, ServicePlane to)
    {
        // Counted there first: a stop must not find that nobody is left.
        to.TakeGreeted();
        to.Rows.Of(index)[ServiceRow.Connecting]++;
        NoLongerConnecting(session, from);
        _ = from.LeaveGreeted();
        session->Service = to.Index;
        if (to.Current.Keepalive != from.Current.Keepalive)
            Sockets.SetKeepalive(session->Client.Fd, to.Current.Keepalive);
        return to;
    }
}
