using System.Net.Sockets;

namespace Bal.Integration.DataPlane;

/// <summary>Answers each connection's first byte, and knows the most that were open at once.</summary>
internal sealed class CountingBackend : IDisposable
{
    private readonly Backend backend = new();
    private readonly Thread thread;
    private volatile bool over;

    public CountingBackend()
    {
        thread = new Thread(Run) { IsBackground = true };
        thread.Start();
    }

    public int Port => backend.Port;

    public int Most { get; private set; }

    public void Dispose()
    {
        over = true;
        thread.Join();
        backend.Dispose();
    }

    // On one thread, which sees that a connection has ended before it accepts the next one.
    private void Run()
    {
        var open = new List<Socket>();
        while (!over)
        {
            var ready = new List<Socket>(open);
            if (ready.Count > 0)
                Socket.Select(ready, null, null, 200);
            foreach (var one in ready)
            {
                if (!Answer(one))
                    open.Remove(one);
            }

            if (backend.TryAccept() is { } next)
            {
                open.RemoveAll(one => !Answer(one));
                open.Add(next);
                Most = Math.Max(Most, open.Count);
            }
        }

        open.ForEach(one => one.Dispose());
    }

    private static bool Answer(Socket one)
    {
        try
        {
            while (one.Poll(0, SelectMode.SelectRead))
            {
                var byteRead = new byte[1];
                if (one.Receive(byteRead) == 0)
                {
                    one.Dispose();
                    return false;
                }

                one.Send(byteRead);
            }

            return true;
        }
        catch (SocketException)
        {
            one.Dispose();
            return false;
        }
    }
}
