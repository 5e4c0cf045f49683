using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.DataPlane;
using LanguageExt;

namespace Bal.Infrastructure.Systemd;

/// <summary>Listening sockets that a service manager has opened for this process (sd_listen_fds(3)).</summary>
public static class ActivatedSockets
{
    private const int First = 3;

    /// <summary>The most that are taken; what is more was not meant for bal.</summary>
    private const int Most = 64;

    private static readonly string[] Variables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

    /// <summary>Reads the variables, and removes them, so that no child mistakes the sockets for its own.</summary>
    public static Arr<int> Take()
    {
        var count = CountOf(Environment.GetEnvironmentVariable, Environment.ProcessId);
        foreach (var name in Variables)
            Environment.SetEnvironmentVariable(name, null);
        var sockets = new Arr<int>(Enumerable.Range(First, count));
        foreach (var socket in sockets)
            Linux.Sockets.MakeOwn(socket);
        return sockets;
    }

    /// <summary>How many sockets the variables announce for this process; those for another one do not count.</summary>
    internal static int CountOf(Func<string, string?> variable, int processId) =>
        Number(variable("LISTEN_PID")) == processId ? Math.Min(Number(variable("LISTEN_FDS")), Most) : 0;

    /// <summary>The sockets of each service; a socket that is nobody's is a problem, since its clients would wait for ever.</summary>
    internal static Either<Problem, IReadOnlyList<(Service Service, int[] Sockets)>> Assign(
        BalConfig config, Arr<int> sockets)
    {
        var assigned = new List<(Service Service, int Socket)>();
        foreach (var socket in sockets)
        {
            if (InheritedSockets.AddressOf(socket) is not { } address)
                return NotListening(socket);
            var dual = InheritedSockets.TakesBothFamilies(socket);
            var service = config.Services.Find(s => Serves(s.Listener, address, dual));
            if (service.IsNone)
                return Elsewhere(config, address);
            service.IfSome(s => assigned.Add((s, socket)));
        }

        return assigned.GroupBy(a => a.Service, a => a.Socket)
            .Select(group => (group.Key, group.ToArray())).ToArray();
    }

    // A manager's plain ListenStream=PORT is [::] for both families, which is what the default 0.0.0.0 asks for, and more.
    private static bool Serves(Listener listener, IPEndPoint address, bool dual) =>
        listener.Port == address.Port && listener.BindAddress.Match(
            literal => literal.Equals(address.Address)
                || (dual && literal.Equals(IPAddress.Any))
                || (literal.Equals(IPAddress.IPv6Any) && address.Address.Equals(IPAddress.Any)),
            _ => address.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6);

    private static Problem NotListening(int socket) => new(
        "activation_no_listener",
        $"descriptor {socket}, which the service manager has handed over, is no listening TCP socket",
        "the socket unit has ListenDatagram=, ListenFIFO= or a path, or Accept=yes",
        "give the socket unit ListenStream= with the port of the configuration, and Accept=no");

    private static Problem Elsewhere(BalConfig config, IPEndPoint address) => new(
        "activation_mismatch",
        $"the service manager has handed over a socket on {address}, and the configuration listens on "
            + string.Join(", ", config.Services.Map(s => s.Listener.ToString())),
        "ListenStream= of the socket unit and bind_address and port of the configuration differ",
        "make them the same, then 'systemctl daemon-reload' and start both units again");

    private static int Number(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0;
}
