using System.Globalization;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.DataPlane;
using LanguageExt;

namespace Bal.Infrastructure.Systemd;

/// <summary>A listening socket that a service manager has opened for this process.</summary>
/// <param name="Descriptor">Its descriptor.</param>
/// <param name="Name">What FileDescriptorName= of its unit calls it; the unit's name where it does not say.</param>
public sealed record ActivatedSocket(int Descriptor, string Name);

/// <summary>Listening sockets that a service manager has opened for this process (sd_listen_fds(3)).</summary>
public static class ActivatedSockets
{
    private const int First = 3;

    /// <summary>The most that are taken; what is more was not meant for bal.</summary>
    private const int Most = 8_192;

    private const int Shown = 5;

    private static readonly string[] Variables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

    /// <summary>Reads the variables, and removes them, so that no child mistakes the sockets for its own.</summary>
    public static Arr<ActivatedSocket> Take()
    {
        var sockets = Announced(Environment.GetEnvironmentVariable, Environment.ProcessId);
        foreach (var name in Variables)
            Environment.SetEnvironmentVariable(name, null);
        foreach (var socket in sockets)
            Linux.Sockets.MakeOwn(socket.Descriptor);
        return sockets;
    }

    /// <summary>The sockets that the variables announce for this process; those for another one do not count.</summary>
    internal static Arr<ActivatedSocket> Announced(Func<string, string?> variable, int processId)
    {
        var count = Number(variable("LISTEN_PID")) == processId ? Math.Min(Number(variable("LISTEN_FDS")), Most) : 0;
        var names = (variable("LISTEN_FDNAMES") ?? "").Split(':');
        return new(Enumerable.Range(0, count).Select(
            i => new ActivatedSocket(First + i, i < names.Length ? names[i] : "")));
    }

    /// <summary>
    /// The sockets of each service: of the one that FileDescriptorName= names, else by address. One that is nobody's is
    /// a problem, since its clients would wait forever.
    /// </summary>
    internal static Either<Problem, IReadOnlyList<(Service Service, int[] Sockets)>> Assign(
        BalConfig config, Arr<ActivatedSocket> sockets)
    {
        var named = config.Services.ToDictionary(service => service.Name);
        var assigned = new List<(Service Service, int Socket)>();
        foreach (var socket in sockets)
        {
            if (!Linux.Sockets.IsListening(socket.Descriptor)
                || BoundAddress.OfSocket(socket.Descriptor).Case is not BoundAddress address)
                return NotListening(socket.Descriptor);
            var candidates = named.TryGetValue(socket.Name, out var meant) ? Prelude.Array(meant) : config.Services;
            var service = candidates.Find(s => Serves(s.Listener, address));
            if (service.IsNone)
                return Elsewhere(candidates, address);
            service.IfSome(s => assigned.Add((s, socket.Descriptor)));
        }

        return assigned.GroupBy(a => a.Service, a => a.Socket)
            .Select(group => (group.Key, group.ToArray())).ToArray();
    }

    private static bool Serves(Listener listener, BoundAddress address) => listener.Addresses.Exists(host => host.Match(
        literal => address.StandsInFor(BoundAddress.Of(literal, listener)),
        _ => address.Path is null && address.Port == listener.Port,
        path => address.Path == path));

    private static Problem NotListening(int socket) => new(
        "activation_no_listener",
        $"descriptor {socket}, which the service manager has handed over, is not a listening stream socket",
        "the socket unit has ListenDatagram= or ListenFIFO=, or has Accept=yes",
        "give the socket unit ListenStream= with the port or the path of the configuration, and Accept=no");

    private static Problem Elsewhere(Arr<Service> candidates, BoundAddress address) => new(
        "activation_mismatch",
        $"the service manager has handed over a socket on {address.Endpoint}, and "
            + (candidates.Count == 1 ? $"service {candidates[0].Name}" : "the configuration") + " listens on "
            + string.Join(", ", candidates.Take(Shown).Select(s => s.Listener.ToString()))
            + (candidates.Count > Shown ? $" and {candidates.Count - Shown} more" : ""),
        "ListenStream= or FileDescriptorName= of the socket unit and bind_address and port of the configuration differ",
        "make them the same, then 'systemctl daemon-reload' and start both units again");

    private static int Number(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0;
}
