using Bal.Domain.Messages;
using Bal.Domain.Primitives;

namespace Bal.Domain.Doctor;

/// <summary>Whether a start could open the listener; what the own daemon holds is as it should be.</summary>
public static class BindCheck
{
    /// <summary>The check of one listener.</summary>
    public static DoctorCheck Of(BindFact fact) => fact.Outcome.Match(
        free: () => DoctorCheck.Ok(CheckName.Bind, $"{fact.Listener} is free"),
        heldByOwnDaemon: o => DoctorCheck.Ok(CheckName.Bind, o.ProcessId.Match(
            Some: id => $"{fact.Listener} is held by the running daemon (pid={id})",
            None: () => $"{fact.Listener} is held by the running daemon")),
        heldByOther: o => Fault(fact, InUse(fact, o)),
        notPermitted: n => Fault(fact, new Problem(
            "bind_not_permitted",
            $"{fact.Listener} may not be bound by this user",
            $"ports below {n.FirstUnprivilegedPort} need the capability CAP_NET_BIND_SERVICE",
            "run 'sudo setcap cap_net_bind_service=+ep \"$(command -v bal)\"', or set "
                + "AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, or choose port "
                + $"{n.FirstUnprivilegedPort} or above")),
        notLocal: () => Fault(fact, new Problem(
            "bind_address_not_local",
            $"{fact.Listener} cannot be bound: no interface of this machine has that address",
            "bind_address is mistyped, belongs to another machine, or its interface is down",
            "run 'ip -brief address', then set bind_address to an address that it lists, or to 0.0.0.0; for an address "
                + "that this machine gets later, such as a virtual address of keepalived, set 'freebind: true'")),
        unresolved: u => Fault(fact, new Problem(
            "bind_address_unresolved",
            $"{fact.Listener} cannot be bound: {fact.Listener.BindAddress} does not resolve: {u.Reason}",
            "bind_address is mistyped, or the name is missing in /etc/hosts",
            "set bind_address to an IP address, or add the name to /etc/hosts")),
        occupied: o => Fault(fact, new Problem(
            "socket_path_occupied",
            $"{fact.Listener} cannot be bound: at its path is {o.What}",
            "another program has made it, or the path is mistyped",
            "remove it if nothing needs it, or set bind_address to another path, then run 'bal doctor' again")),
        failed: f => Fault(fact, fact.Listener.IsUnixOnly ? NoSocket(fact, f) : new Problem(
            "bind_failed",
            $"{fact.Listener} cannot be bound: {f.Reason}",
            "the system refused for an unknown reason",
            $"run 'ss -ltnp', choose another port or bind_address, then run 'bal doctor' again")));

    private static Problem NoSocket(BindFact fact, BindOutcome.Failed failed) => new(
        "bind_failed",
        $"{fact.Listener} cannot be bound: {failed.Reason}",
        "the directory does not exist, or this user may not create a file in it",
        "create the directory with 'install -d -o USER', where USER is the user of bal, or let systemd do it "
            + "(RuntimeDirectory=), then run 'bal doctor' again");

    private static DoctorCheck Fault(BindFact fact, Problem problem) =>
        DoctorCheck.Critical(CheckName.Bind, problem);

    private static Problem InUse(BindFact fact, BindOutcome.HeldByOther held) =>
        fact.Listener.IsUnixOnly ? SocketInUse(fact, held) : PortInUse(fact, held);

    private static Problem SocketInUse(BindFact fact, BindOutcome.HeldByOther held) => new(
        "address_in_use",
        held.Holder.Match(
            Some: h => $"{fact.Listener} is held by another process: {h.Command} (pid={h.ProcessId})",
            None: () => $"{fact.Listener} is held by another process"),
        "another service, or a bal with another BAL_HOME, listens on this socket",
        held.Holder.Match(
            Some: h => $"stop process {h.ProcessId}, or set another path, then run 'bal doctor' again",
            None: () => $"run 'sudo ss -lxp src {((Host.Unix)fact.Listener.BindAddress).Path}' to see who it is; "
                + "stop it or set another path"));

    private static Problem PortInUse(BindFact fact, BindOutcome.HeldByOther held) => new(
        "address_in_use",
        held.Holder.Match(
            Some: h => $"{fact.Listener} is held by another process: {h.Command} (pid={h.ProcessId})",
            None: () => $"{fact.Listener} is held by another process"),
        "another service, or a bal with another BAL_HOME, uses this port",
        held.Holder.Match(
            Some: h => $"stop process {h.ProcessId}, or set another port, then run 'bal doctor' again",
            None: () => $"run 'sudo ss -ltnp sport = :{fact.Listener.Port}' to see who it is; "
                + "stop it or set another port"));
}
