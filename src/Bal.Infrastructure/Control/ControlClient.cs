using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Infrastructure.Control;

/// <summary>
/// Asks the running daemon over its control socket: one line of text goes there, one JSON object comes back, then the
/// daemon closes the connection.
/// </summary>
public static class ControlClient
{
    /// <summary>The largest answer that is read, in bytes.</summary>
    public const int MaxAnswer = 4 * 1024 * 1024;

    /// <summary>The code of the problem that there is no socket.</summary>
    public const string Missing = "control_missing";

    /// <summary>The code of the problem that there is a socket and nobody listens on it.</summary>
    public const string Refused = "control_refused";

    /// <summary>How long <c>status</c> may take.</summary>
    public static TimeSpan StatusPatience { get; } = TimeSpan.FromSeconds(5);

    /// <summary>How long <c>graceful</c> may take: names are resolved and addresses bound on the way.</summary>
    public static TimeSpan GracefulPatience { get; } = TimeSpan.FromSeconds(60);

    /// <summary>Sends <paramref name="request"/> and reads the whole answer as UTF-8.</summary>
    /// <param name="socketPath">The path of the control socket, at most 107 bytes.</param>
    /// <param name="request">One line, without its newline.</param>
    /// <param name="patience">The bound on everything together.</param>
    /// <returns>A problem that contains "not running" where nobody listens.</returns>
    public static Either<Problem, string> Ask(string socketPath, string request, TimeSpan patience)
    {
        var deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            // A full queue of the listener makes a blocking connect wait; SO_SNDTIMEO bounds it (unix(7)).
            socket.SendTimeout = (int)patience.TotalMilliseconds;
            socket.Connect(new UnixDomainSocketEndPoint(socketPath));
            Send(socket, Encoding.UTF8.GetBytes(request + "\n"));
            return Receive(socket, socketPath, request, deadline, patience);
        }
        catch (SocketException e)
        {
            return Explain(e.SocketErrorCode, e.Message, socketPath, request, patience);
        }
    }

    private static void Send(Socket socket, byte[] bytes)
    {
        for (var sent = 0; sent < bytes.Length;)
            sent += socket.Send(bytes, sent, bytes.Length - sent, SocketFlags.None);
    }

    private static Either<Problem, string> Receive(
        Socket socket, string path, string request, long deadline, TimeSpan patience)
    {
        using var answer = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var left = deadline - Environment.TickCount64;
            if (left <= 0) return Silent(request, patience);
            socket.ReceiveTimeout = (int)left;
            var length = socket.Receive(buffer);
            if (length == 0) break;
            answer.Write(buffer, 0, length);
            if (answer.Length > MaxAnswer)
                return new Problem(
                    "control_answer_too_large",
                    $"the answer to '{request}' is larger than {MaxAnswer} bytes",
                    $"something other than bal listens on {path}",
                    "run 'bal stop', then 'bal start -d'");
        }
        if (answer.Length > 0) return Encoding.UTF8.GetString(answer.GetBuffer(), 0, (int)answer.Length);
        return new Problem(
            "control_no_answer",
            $"bal closed the control connection without answering '{request}'",
            "it is just ending, or this 'bal' is newer than the running daemon",
            "run 'bal status' again; if it stays like this, run 'bal stop', then 'bal start -d'");
    }

    private static Problem Explain(SocketError error, string text, string path, string request, TimeSpan patience) =>
        error switch
        {
            SocketError.AddressNotAvailable or SocketError.HostNotFound => NoSocket(path),
            SocketError.ConnectionRefused => new(
                Refused,
                $"bal is not running: nobody listens on the control socket {path}",
                "the daemon was killed, or the machine went down, and the socket was left over",
                "run 'bal start -d'"),
            SocketError.TimedOut or SocketError.WouldBlock => Silent(request, patience),
            SocketError.AccessDenied => new(
                "control_permission",
                $"the control socket {path} may not be used: {text}",
                "bal runs as another user, such as root after a 'sudo bal start'",
                $"see who owns it with 'ls -l {path}' and run the command as that user"),
            SocketError.ConnectionReset or SocketError.Shutdown => new(
                "control_reset",
                $"bal broke off the control connection while it was asked for '{request}'",
                "it is just ending",
                "run 'bal status' to see whether it still runs"),
            _ when !File.Exists(path) => NoSocket(path),
            _ => new("control_failed", $"the control socket {path} cannot be used: {text}",
                "the system refuses it", $"look at it with 'ls -l {path}'"),
        };

    private static Problem NoSocket(string path) => new(
        Missing,
        $"bal is not running: there is no control socket {path}",
        "it was never started with this BAL_HOME, or has been stopped",
        "run 'bal start -d', or set BAL_HOME to the one it was started with");

    private static Problem Silent(string request, TimeSpan patience) => new(
        "control_silent",
        string.Create(CultureInfo.InvariantCulture,
            $"bal did not answer '{request}' within {patience.TotalSeconds:0} s"),
        "the daemon is stopped (SIGSTOP), overloaded or stuck",
        "look at its log, then run 'bal stop' and 'bal start -d'");
}
