using Bal.Domain.Admission;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>Who a client is, and whether it may go on.</summary>
internal sealed unsafe partial class EventLoop
{
    /// <summary>How long a client may take to say who it is and what it wants, from the accept on.</summary>
    private const int GreetingMs = 3_000;

    /// <summary>Takes a client in, or turns it away.</summary>
    private void Admit(int fd, Listener listener, InetEndpoint peer)
    {
        var service = serviceOf(listener.Service);
        var snapshot = service.Current;
        var awaitsHeader = snapshot.Trusted?.Covers(peer) == true;
        var entry = 0;
        if ((listener.HasNames
            ? service.TryGreet()
            : (awaitsHeader ? null : Judge(service, snapshot, peer, out entry))
                ?? service.TryAdmit(snapshot.Table.Service.Tuning.MaxConcurrentConnections)) is { } refusal)
        {
            LeaveClient(service, entry);
            // Before the client can know: whoever was rejected and asks finds itself counted.
            Refuse(service, refusal);
            if (Rejections.EndOf(refusal) is { IsSome: true } end)
            {
                service.Rows.Of(index)[ServiceRow.Ended + (int)(TerminationReason)end]++;
                if (access.IsOn)
                    LogRejection(service, fd, peer, (TerminationReason)end);
            }

            CloseWithReset(fd);
            return;
        }

        var row = service.Rows.Of(index);
        row[ServiceRow.Connecting]++;
        // Whoever is asked for a name is counted with the service that has it.
        if (!listener.HasNames)
            row[ServiceRow.TotalConnections]++;

        var session = sessions.Rent();
        session->State = awaitsHeader || listener.HasNames ? SessionState.Greeting : SessionState.Connecting;
        session->Service = service.Index;
        session->Client.Fd = fd;
        session->Backend.Fd = -1;
        session->Source = session->Seen = peer;
        session->ClientEntry = entry;
        session->Started = session->LastActivity = now;
        session->AwaitsHeader = awaitsHeader;
        if (listener.HasNames)
            EnterGate(session, listener.Tag);
        if (!epoll.Add(fd, SideInterest, WatchTag.OfSocket((ulong)session, isBackend: false)))
        {
            Refuse(service, ConnectErrors.CauseOf(*errno));
            Abort(session, TerminationReason.LocalFailure);
            return;
        }

        if (session->State == SessionState.Connecting)
        {
            Seek(session, service);
            return;
        }

        timers.Arm(session, now + GreetingMs);
        // As a rule it has come with the connection.
        if (!awaitsHeader)
            LookAtHello(session);
    }

    private void OnGreetingEvent(Session* session, SocketEvents what)
    {
        if ((EventRule.ReadinessOf(what) & Readiness.Readable) == 0)
            return;
        session->ClientGone |= EventRule.ClientMayBeGone(what);
        // What it sent before an RST can still be read, and is for a backend if it goes on behind the header.
        if (session->AwaitsHeader)
            LookAtHeader(session);
        else if (session->ClientGone && Unread(session->Client.Fd) == 0)
            CloseSession(session, TerminationReason.ClientAborted);
        else
            LookAtHello(session);
    }

    private void OnGreetingTimeout(Session* session)
    {
        if (session->AwaitsHeader)
            Reject(session, serviceOf(session->Service), Refusal.ProxyHeader);
        else
            Choose(session, []);
    }

    private void LookAtHeader(Session* session)
    {
        var read = Peek(session);
        if (read < 0)
            return;
        var header = ProxyHeader.Read(new(buffer, (int)read));
        if (session->ClientGone && (header.Part != ProxyHeaderPart.Whole || header.Length == read))
            CloseSession(session, TerminationReason.ClientAborted);
        else if (header.Part == ProxyHeaderPart.Incomplete && !session->Client.Has(SideFlags.ShortReads))
            AwaitBytes(session, header.Length);
        else if (header.Part == ProxyHeaderPart.Whole)
            AcceptHeader(session, header, (int)read);
        // Whoever connects and closes has only looked whether somebody listens.
        else if (read == 0)
            CloseSession(session, TerminationReason.ClientAborted);
        else
            Reject(session, serviceOf(session->Service), Refusal.ProxyHeader);
    }

    /// <summary>
    /// Looks at what the client has sent, which stays where it is; -1 where there is nothing to look at, or no session
    /// any more.
    /// </summary>
    private nint Peek(Session* session)
    {
        while (true)
        {
            var read = Libc.recv(session->Client.Fd, buffer, BufferSize, Libc.MSG_PEEK);
            if (read >= 0)
                return read;
            if (*errno == Errno.EINTR)
                continue;
            if (*errno != Errno.EAGAIN)
                CloseSession(session, TerminationReason.ClientAborted);
            return -1;
        }
    }

    /// <summary>Has the socket wake the loop only once so many bytes have arrived, or the last one.</summary>
    private static void AwaitBytes(Session* session, int count)
    {
        // Set again, the option has the kernel report at once what it reports early because its buffer is full.
        if (session->LowWater == count)
            return;
        session->LowWater = count;
        _ = Sockets.SetOption(session->Client.Fd, Libc.SOL_SOCKET, Libc.SO_RCVLOWAT, count, Facility.LowWater);
    }

    private static void AwaitAnything(Session* session)
    {
        if (session->LowWater > 1)
            AwaitBytes(session, 1);
    }

    private void AcceptHeader(Session* session, ProxyHeader header, int seen)
    {
        // It was there a moment ago, whole.
        _ = Libc.recv(session->Client.Fd, buffer, (nuint)header.Length, 0);
        AwaitAnything(session);
        // What comes behind it is a new event, as after any read that empties the socket.
        if (seen == header.Length && !session->Client.Has(SideFlags.ShortReads))
            session->Client.Flags &= ~SideFlags.Readable;
        session->IsLocal = header.IsLocal;
        if (header.Source.IsKnown)
            (session->Source, session->Destination) = (header.Source, header.Destination);
        session->AwaitsHeader = false;
        if (session->Listener != 0)
        {
            // Both have to come within the same time.
            LookAtHello(session);
            return;
        }

        var service = serviceOf(session->Service);
        timers.Disarm(session);
        if (!header.IsLocal
            && Judge(service, service.Current, session->Source, out session->ClientEntry) is { } refusal)
        {
            Reject(session, service, refusal);
            return;
        }

        session->State = SessionState.Connecting;
        Seek(session, service);
    }

    /// <summary>Sends the backend its header, before the first byte of the client; false where it has failed.</summary>
    private bool SendHeader(Session* session)
    {
        var header = new Span<byte>(buffer, ProxyHeader.LongestWritten);
        var destination = session->Destination.IsKnown ? session->Destination : Sockets.OwnEndOf(session->Client.Fd);
        var length = session->IsLocal
            ? ProxyHeader.WriteLocal(header, session->Header)
            : ProxyHeader.Write(header, session->Header, SourceOf(session), destination);
        return Send(ref session->Client, ref session->Backend, length, goesOn: session->Client.Has(SideFlags.Readable));
    }

    /// <summary>
    /// What the rules for clients say of one, now that it is known who it is; null where it may go on.
    /// </summary>
    /// <param name="service">The service that it has come to.</param>
    /// <param name="snapshot">As it is now.</param>
    /// <param name="client">Who.</param>
    /// <param name="entry">What goes into <see cref="Session.ClientEntry"/>.</param>
    private Refusal? Judge(ServicePlane service, Snapshot snapshot, InetEndpoint client, out int entry)
    {
        entry = 0;
        // Limits per client are by address; who may use a Unix socket is one client to nobody.
        if (client.IsUnix)
            return snapshot.Access is { AdmitsUnix: false } ? Refusal.Denied : null;
        if (!client.IsKnown || (snapshot.Access is null && !snapshot.LimitsClients))
            return null;
        var bytes = stackalloc byte[16];
        var host = client.Host(new(bytes, 16));
        if (snapshot.Access is { } access && !access.Admits(host))
            return Refusal.Denied;
        if (!snapshot.LimitsClients || service.Clients is not { } clients)
            return null;
        var refusal = clients.TryEnter(
            ClientKey.Of(host), snapshot.ConnectionsPerClient, snapshot.RatePerClient, now, out var found);
        if (refusal is null)
            entry = found + 1;
        return refusal;
    }

    /// <summary>A client that was let in has gone, or is not served after all.</summary>
    private static void LeaveClient(ServicePlane service, int entry)
    {
        if (entry > 0)
            service.Clients!.Leave(entry - 1);
    }

    /// <summary>From now on there are limits: what was open before counts as well.</summary>
    private void CountClients(int counted)
    {
        if (serviceOf(counted).Clients is not { } clients)
            return;
        var bytes = stackalloc byte[16];
        foreach (Session* session in sessions.InUse())
        {
            // Who has yet to say who it is has yet to be judged.
            if (session->Service != counted || session->ClientEntry != 0 || session->IsLocal
                || session->State == SessionState.Greeting || !SourceOf(session).IsKnown)
                continue;
            var client = ClientKey.Of(session->Source.Host(new(bytes, 16)));
            _ = clients.TryEnter(client, int.MaxValue, 0, now, out var entry);
            session->ClientEntry = entry + 1;
        }
    }

    /// <summary>Ends the session of a client that has been accepted and is not served after all.</summary>
    private void Reject(Session* session, ServicePlane service, Refusal reason)
    {
        Refuse(service, reason);
        Abort(session, (TerminationReason)Rejections.EndOf(reason));
    }

    /// <summary>Who the client of a session is; asks the socket where nobody has yet.</summary>
    private static InetEndpoint SourceOf(Session* session)
    {
        if (!session->Source.IsKnown && !session->Source.IsUnix)
            session->Source = session->Seen = Sockets.RemoteEndOf(session->Client.Fd);
        return session->Source;
    }
}
