using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Bal.Integration.DataPlane;

/// <summary>
/// Bal's end of a connection, as the kernel shows it in /proc/net/tcp (proc(5)): what has arrived there although bal
/// has not looked yet.
/// </summary>
internal sealed class BalsEnd
{
    private const int Established = 1;
    private const int CloseWait = 8;

    private readonly string ends;

    private BalsEnd(int own, int peer) => ends = string.Create(
        CultureInfo.InvariantCulture, $"0100007F:{own:X4} 0100007F:{peer:X4} ");

    /// <summary>The end that this socket, a client's or a backend's, is connected to.</summary>
    public static BalsEnd Of(Socket peer) =>
        new(((IPEndPoint)peer.RemoteEndPoint!).Port, ((IPEndPoint)peer.LocalEndPoint!).Port);

    /// <summary>Bytes that bal has not read; zero where the connection is gone. A FIN counts as one.</summary>
    public int Unread => Row() is { } row ? Convert.ToInt32(row[1].Split(':')[1], 16) : 0;

    public void UntilUnread(int bytes) => Until(() => Unread >= bytes, $"{bytes} bytes have arrived");

    public void UntilFinished() => Until(() => State() == CloseWait, "the FIN has arrived");

    /// <summary>Waits until the connection is gone from the kernel's table, as after an RST.</summary>
    public void UntilReset() => Until(() => State() == 0, "the RST has arrived");

    public bool IsEstablished => State() == Established;

    private static void Until(Func<bool> condition, string what) => Assert.True(
        SpinWait.SpinUntil(condition, Sockets.PatienceMs), $"waited in vain until {what}");

    private int State() => Row() is { } row ? Convert.ToInt32(row[0], 16) : 0;

    // The state and the lengths of the queues, as in "01 00000000:00000000".
    private string[]? Row()
    {
        while (true)
        {
            var row = File.ReadLines("/proc/net/tcp").FirstOrDefault(r => r.Contains(ends, StringComparison.Ordinal));
            // The table changes while it is read, and its last row may be cut short.
            if (row?.Split(ends)[1].Split(' ') is not { } fields)
                return null;
            if (fields.Length > 2 && fields[1].Contains(':', StringComparison.Ordinal))
                return fields;
        }
    }
}
