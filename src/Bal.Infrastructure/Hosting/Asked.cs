using System.Globalization;
using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>What the log says of whoever wants something changed; it precedes what comes of it.</summary>
internal static class Asked
{
    /// <summary>The line for a signal; none for one that asks for nothing.</summary>
    public static LogEvent For(int signal, Peer peer) => signal switch
    {
        Libc.SIGHUP => Line("reload", "SIGHUP", peer),
        Libc.SIGUSR1 => Line("reopen_log", "SIGUSR1", peer),
        Libc.SIGUSR2 => Line("upgrade", "SIGUSR2", peer),
        Libc.SIGINT => Line("stop", "SIGINT", peer),
        _ => Line("stop", "SIGTERM", peer),
    };

    /// <summary>The line for a request over the control socket; none for one that changes nothing.</summary>
    public static Option<LogEvent> For(string request, Peer peer) => request.Split(' ') switch
    {
        ["graceful"] => Line("reload", "control_socket", peer),
        ["upgrade", ..] when Upgrading.PatienceOf(request) is not null => Line("upgrade", "control_socket", peer),
        ["stop"] => Line("stop", "control_socket", peer),
        ["stop", ..] when Stopping.TimeOf(request) is not null => Line("stop", "control_socket", peer),
        ["sessions", "reset", _] => Line("reset_sessions", "control_socket", peer),
        ["drain" or "enable" or "weight", ..] when OrderLine.Read(request).IsSome =>
            Line(request[..request.IndexOf(' ', StringComparison.Ordinal)], "control_socket", peer),
        _ => Option<LogEvent>.None,
    };

    private static LogEvent Line(string action, string means, Peer peer)
    {
        var (user, command) = (UserNames.Of(peer.User), CommandOf(peer.Pid));
        return LogEvent.Info(Server.Module, "requested",
            $"{action.Replace('_', ' ')} requested through {Means(means)} by {Whom(peer, user, command)}",
            LogField.Of("action", action),
            LogField.Of("means", means),
            LogField.Of("uid", peer.User),
            LogField.Of("user", user),
            peer.Pid > 0 ? LogField.Of("pid", peer.Pid) : LogField.None("pid"),
            LogField.Of("command", command));
    }

    private static string Means(string means) => means == "control_socket" ? "the control socket" : means;

    private static string Whom(Peer peer, Option<string> user, Option<string> command) => peer.IsKernel
        ? "the terminal"
        : string.Create(CultureInfo.InvariantCulture,
            $"{user.IfNone("a user without a name")} (uid={peer.User}), {Process(peer.Pid, command)}");

    private static string Process(int pid, Option<string> command) => pid == 0
        ? "a process outside of this container"
        : string.Create(CultureInfo.InvariantCulture,
            $"process {pid}{command.Match(name => $" ({name})", () => "")}");

    // It may have ended already.
    private static Option<string> CommandOf(int pid)
    {
        try
        {
            return pid > 0
                ? File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/comm")).TrimEnd('\n')
                : Option<string>.None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Option<string>.None;
        }
    }
}
