using System.Text;

namespace Bal.EndToEnd.Controlling;

/// <summary>The control socket without a command in between.</summary>
internal static class ControlSocket
{
    public static async Task<Socket> Connect(BalInstance bal)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        // A full queue is EAGAIN for a socket of this kind, and passes.
        await Eventually.See<bool>("the control socket accepts", async () =>
        {
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(bal.SocketPath));
                return true;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.TryAgain)
            {
                return false;
            }
        }, connected => connected);
        return socket;
    }

    /// <summary>Everything until the end; nothing more where it was hung up with bytes unread.</summary>
    public static async Task<string> Answer(Socket control)
    {
        var text = new StringBuilder();
        try
        {
            await control.Drain(bytes => text.Append(Encoding.UTF8.GetString(bytes.Span)));
        }
        catch (SocketException)
        {
            // Hung up with our bytes unread.
        }

        return text.ToString();
    }
}
