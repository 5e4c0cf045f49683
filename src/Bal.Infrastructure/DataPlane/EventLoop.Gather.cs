using Bal.Domain.Messages;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Streams at full speed gather in the kernel: a low-water mark on the socket (SO_RCVLOWAT) wakes the loop once for
/// 256 KiB instead of for each few segments, as a network card does with its interrupts. A FIN, an RST and urgent data
/// wake it at once; fewer bytes than that wait until the loop looks by itself.
/// </summary>
internal sealed unsafe partial class EventLoop
{
    private readonly GatherRule gatherRule;

    // One for each large pipe: only such a stream takes what has gathered in one call.
    private readonly WatchedStream[] streams = new WatchedStream[PipePool.MaxLarge];
    private int gathering;

    private struct WatchedStream
    {
        /// <summary>Null where the place is free.</summary>
        public Session* Session;
        public bool FromBackend;
        public StreamPace Pace;
    }

    private void Watch(Session* session, ref Side side)
    {
        var place = Array.FindIndex(streams, static s => s.Session == null);
        streams[place] = new WatchedStream
        {
            Session = session,
            FromBackend = side.Fd == session->Backend.Fd,
            Pace = StreamPace.Begin(gatherRule, now),
        };
        side.Stream = place + 1;
    }

    private void Unwatch(ref Side side)
    {
        if (side.Stream == 0)
            return;
        ref var stream = ref streams[side.Stream - 1];
        Become(ref side, ref stream, stream.Pace with { Gathers = false });
        stream.Session = null;
        side.Stream = 0;
    }

    private void Took(ref Side side, nint bytes)
    {
        if (side.Stream == 0)
            return;
        ref var stream = ref streams[side.Stream - 1];
        Become(ref side, ref stream, stream.Pace.Took(now, bytes));
    }

    private void LookAtStreams()
    {
        for (var place = 1; gathering > 0 && place <= streams.Length; place++)
        {
            ref var stream = ref streams[place - 1];
            if (stream.Session == null || !stream.Pace.IsLookDue(now))
                continue;
            var session = stream.Session;
            var before = stream.Pace;
            ref var side = ref stream.FromBackend ? ref session->Backend : ref session->Client;
            side.Flags |= SideFlags.Readable;
            Relay(session);
            // It may have ended, or gone back to copying.
            if (side.Stream == place)
                Become(ref side, ref stream, before.Looked(now, stream.Pace.Total - before.Total));
        }
    }

    private void Become(ref Side side, ref WatchedStream stream, StreamPace pace)
    {
        var changes = pace.Gathers != stream.Pace.Gathers;
        stream.Pace = pace;
        if (!changes)
            return;
        gathering += pace.Gathers ? 1 : -1;
        // A lower mark makes the kernel look again at what waits, and say so. Where it refuses, it wakes as before.
        var mark = pace.Gathers ? gatherRule.LowWater : 1;
        _ = Sockets.SetOption(side.Fd, Libc.SOL_SOCKET, Libc.SO_RCVLOWAT, mark, Facility.LowWater);
    }
}
