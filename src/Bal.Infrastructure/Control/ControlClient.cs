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
    /// <summary>The largest answer that is read, in bytes: 20,000 backends take a third of it.</summary>
    public const int MaxAnswer = 64 * 1024 * 1024;

    /// <summary>The code of the problem that there is no socket.</summary>
    public const string Missing = "control_missing";

    /// <summary>The code of the problem that there is a socket and nobody listens on it.</summary>
    public const string Refused = "control_refused";

    /// <summary>The code of the problem that no answer came in time.</summary>
    public const string SilentCode = "control_silent";

    // As it stands in the problem of an answer; a text in an answer has its quotes escaped.
    private const string Replaced = "\"code\": \"replaced\"";

    /// <summary>How long a daemon may take to answer what takes it no time.</summary>
    public static TimeSpan AnswerPatience { get; } = TimeSpan.FromSeconds(2);

    /// <summary>Sends <paramref name="request"/> and reads the whole answer as UTF-8.</summary>
    /// <param name="socketPath">The path of the control socket, at most 107 bytes.</param>
    /// <param name="request">One line, without its newline.</param>
    /// <param name="patience">The bound on everything together.</param>
    /// <returns>A problem that contains "not running" where nobody listens.</returns>
    public static Either<Problem, string> Ask(string socketPath, string request, TimeSpan patience) =>
        Ask(socketPath, request, patience, () => true);

    /// <summary>
    /// As above, for what may take the daemon longer: whenever no answer has come for <see cref="AnswerPatience"/>,
    /// <paramref name="goOn"/> says whether waiting still makes sense.
    /// </summary>
    public static Either<Problem, string> Ask(
        string socketPath, string request, TimeSpan patience, Func<bool> goOn)
    {
        var deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        while (true)
        {
            var answer = AskOnce(socketPath, request, new Wait(deadline, patience, goOn));
            // An upgrade was quicker, and changed nothing of what was asked for: the new process is asked.
            if (!answer.Exists(IsReplaced) || Environment.TickCount64 >= deadline)
                return answer;
            Thread.Sleep(20);
        }
    }

    private static bool IsReplaced(string answer) => answer.Contains(Replaced, StringComparison.Ordinal);

    private static Either<Problem, string> AskOnce(string socketPath, string request, Wait wait)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            // A full queue of the listener makes a blocking connect wait; SO_SNDTIMEO bounds it (unix(7)).
            socket.SendTimeout = (int)wait.Patience.TotalMilliseconds;
            socket.Connect(new UnixDomainSocketEndPoint(socketPath));
            Send(socket, Encoding.UTF8.GetBytes(request + "\n"));
            return Receive(socket, socketPath, request, wait);
        }
        catch (SocketException e)
        {
            return Explain(e.SocketErrorCode, e.Message, socketPath, request, wait.Patience);
        }
    }

    private static void Send(Socket socket, byte[] bytes)
    {
        for (var sent = 0; sent < bytes.Length;)
            sent += socket.Send(bytes, sent, bytes.Length - sent, SocketFlags.None);
    }

    private static Either<Problem, string> Receive(
        Socket socket, string path, string request, Wait wait)
    {
        using var answer = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (true)
        {
            if (!wait.ForNext(socket)) return Silent(request, wait.Patience);
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
            "it is exiting, or this 'bal' is newer than the running daemon",
            "run 'bal status' again; if that does not help, run 'bal stop', then 'bal start -d'");
    }

    private static Problem Explain(SocketError error, string text, string path, string request, TimeSpan patience) =>
        error switch
        {
            SocketError.AddressNotAvailable or SocketError.HostNotFound => NoSocket(path),
            SocketError.ConnectionRefused => new(
                Refused,
                $"bal is not running: no process listens on the control socket {path}",
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
                $"bal closed the control connection while it was asked for '{request}'",
                "it is exiting",
                "run 'bal status' to see whether it still runs"),
            _ when !File.Exists(path) => NoSocket(path),
            _ => new("control_failed", $"the control socket {path} cannot be used: {text}",
                "the system refused it", $"look at it with 'ls -l {path}'"),
        };

    private static Problem NoSocket(string path) => new(
        Missing,
        $"bal is not running: there is no control socket {path}",
        "it was never started with this BAL_HOME, or has been stopped",
        "run 'bal start -d', or set BAL_HOME to the one it was started with");

    private static Problem Silent(string request, TimeSpan patience) => new(
        SilentCode,
        string.Create(CultureInfo.InvariantCulture,
            $"bal did not answer '{request}' within {patience.TotalSeconds:0.#} s"),
        "it is paused (SIGSTOP), hangs, or the machine is overloaded",
        "run 'kill -CONT' with its process id if it is paused, else 'kill -KILL', then 'bal start -d'");

    /// <summary>How long an answer is waited for.</summary>
    /// <param name="Deadline">In milliseconds of <see cref="Environment.TickCount64"/>.</param>
    /// <param name="Patience">The same as a span, for people.</param>
    /// <param name="GoOn">Whether to go on waiting where nothing has come for a while.</param>
    private sealed record Wait(long Deadline, TimeSpan Patience, Func<bool> GoOn)
    {
        /// <summary>Whether there is something to receive, the end of the stream included.</summary>
        public bool ForNext(Socket socket)
        {
            while (Deadline - Environment.TickCount64 is > 0 and var left)
            {
                var slice = Math.Min(left, (long)AnswerPatience.TotalMilliseconds);
                if (socket.Poll(TimeSpan.FromMilliseconds(slice), SelectMode.SelectRead))
                    return true;
                if (slice < left && !GoOn())
                    return false;
            }

            return false;
        }
    }
}
