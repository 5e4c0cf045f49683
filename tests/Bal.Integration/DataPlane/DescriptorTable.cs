using System.Reflection;
using System.Runtime.InteropServices;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using LinuxSockets = Bal.Infrastructure.Linux.Sockets;

namespace Bal.Integration.DataPlane;

/// <summary>
/// A table of descriptors that belongs to one thread alone (unshare(2), CLONE_FILES), and that can be filled: the limit
/// of the process would hit the runtime as well, which does not survive it.
/// </summary>
internal sealed unsafe partial class DescriptorTable : IDisposable
{
    private const int CloneFiles = 0x400;
    private const int SocketType = 3;

    private readonly LivePlane? plane;
    private readonly Stack<int> fillers = new(1 << 16);

    private DescriptorTable(LivePlane? plane) => this.plane = plane;

    /// <summary>
    /// Gives one to the only loop of a plane, before it has any client. It must know all its listeners already.
    /// Disposed, it cuts the sessions that are left, as nobody but the loop can close them.
    /// </summary>
    public static DescriptorTable Of(LivePlane plane)
    {
        plane.Settle();
        var table = new DescriptorTable(plane);
        var listeners = plane.Plane.Serving.SelectMany(serving => serving.Sockets).ToHashSet();
        table.OnThread(() => Separate(listeners));
        return table;
    }

    /// <summary>Runs something on a thread that has one.</summary>
    public static void With(Action<DescriptorTable> act)
    {
        var failure = default(Exception);
        var thread = new Thread(() => failure = Record.Exception(() =>
        {
            Separate([]);
            act(new DescriptorTable(null));
        }));
        thread.Start();
        thread.Join();
        Assert.Null(failure);
    }

    /// <summary>The thread can open nothing until the result is disposed.</summary>
    /// <param name="withoutReserve">Whether a loop has lost its reserve too, as when another thread was faster.</param>
    /// <param name="left">So many can be opened all the same.</param>
    public IDisposable Full(bool withoutReserve = false, int left = 0)
    {
        OnThread(() =>
        {
            if (withoutReserve)
                TakeReserve();
            for (int fd; (fd = dup(0)) >= 0;)
                fillers.Push(fd);
            for (var i = 0; i < left; i++)
                _ = Libc.close(fillers.Pop());
        });
        return new Emptied(this);
    }

    /// <summary>Makes a descriptor of the process mean what another one does (dup2(2)).</summary>
    public static void Replace(int descriptor, int by) => Assert.Equal(descriptor, dup2(by, descriptor));

    public void Dispose()
    {
        plane!.Plane.Cut(1);
        plane.Settle();
    }

    // What other tests have open would stay open here when they close it.
    private static void Separate(HashSet<int> sockets)
    {
        if (unshare(CloneFiles) != 0)
            throw new InvalidOperationException("unshare(2) failed");
        var last = dup(0);
        for (var fd = 3; fd < last + 1_000; fd++)
        {
            if (!sockets.Contains(fd) && LinuxSockets.GetOption(fd, Libc.SOL_SOCKET, SocketType) >= 0)
                _ = Libc.close(fd);
        }

        _ = Libc.close(last);
    }

    private void TakeReserve()
    {
        const BindingFlags Own = BindingFlags.Instance | BindingFlags.NonPublic;
        var loops = (EventLoop[])typeof(Plane).GetField("loops", Own)!.GetValue(plane!.Plane)!;
        var reserve = typeof(EventLoop).GetField("reserve", Own)!;
        _ = Libc.close((int)reserve.GetValue(loops[0])!);
        reserve.SetValue(loops[0], -1);
    }

    private void OnThread(Action act)
    {
        if (plane is null)
        {
            act();
            return;
        }

        var done = false;
        plane.Plane.OnEveryLoop(() =>
        {
            act();
            Volatile.Write(ref done, true);
        });
        plane.Until(() => Volatile.Read(ref done), "the loop has done it");
    }

    [LibraryImport("libc")]
    private static partial int unshare(int flags);

    [LibraryImport("libc")]
    private static partial int dup(int descriptor);

    [LibraryImport("libc")]
    private static partial int dup2(int from, int to);

    private sealed class Emptied(DescriptorTable table) : IDisposable
    {
        public void Dispose() => table.OnThread(() =>
        {
            while (table.fillers.TryPop(out var fd))
                _ = Libc.close(fd);
        });
    }
}
