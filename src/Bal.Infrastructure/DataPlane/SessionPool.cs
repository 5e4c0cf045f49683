using System.Runtime.InteropServices;
using Bal.Domain.Relay;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Sessions of one loop in native chunks that are never returned, so that a stale epoll tag always points at a session.
/// Bounded by <c>max_concurrent_connections</c> and the descriptor limit, since a session owns at least one descriptor.
/// </summary>
internal sealed unsafe class SessionPool : IDisposable
{
    private const int ChunkSize = 256;

    private readonly List<nint> chunks = [];
    private Session* free;

    /// <summary>Sessions that there is memory for: as many have been in use at once, or a few less.</summary>
    public int Capacity => chunks.Count * ChunkSize;

    public Session* Rent()
    {
        if (free == null)
            Grow();
        var session = free;
        free = session->Next;
        *session = default;
        return session;
    }

    public void Return(Session* session)
    {
        session->State = SessionState.Free;
        session->Next = free;
        free = session;
    }

    /// <summary>The session at that place, in use or not; null beyond the last one.</summary>
    public Session* At(int place) =>
        place < Capacity ? (Session*)chunks[place / ChunkSize] + place % ChunkSize : null;

    /// <summary>Every session in use, for the rare operations that concern all.</summary>
    public List<nint> InUse()
    {
        var all = new List<nint>();
        foreach (var chunk in chunks)
        {
            for (var i = 0; i < ChunkSize; i++)
            {
                var session = (Session*)chunk + i;
                if (session->State is not SessionState.Free and not SessionState.Closed)
                    all.Add((nint)session);
            }
        }

        return all;
    }

    public void Dispose()
    {
        foreach (var chunk in chunks)
            NativeMemory.AlignedFree((void*)chunk);
        chunks.Clear();
        free = null;
    }

    private void Grow()
    {
        var chunk = (Session*)NativeMemory.AlignedAlloc((nuint)(ChunkSize * sizeof(Session)), 64);
        NativeMemory.Clear(chunk, (nuint)(ChunkSize * sizeof(Session)));
        chunks.Add((nint)chunk);
        for (var i = ChunkSize - 1; i >= 0; i--)
        {
            chunk[i].Next = free;
            free = chunk + i;
        }
    }
}
