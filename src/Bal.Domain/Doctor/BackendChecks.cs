using Bal.Domain.Backend;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Doctor;

/// <summary>
/// One check per backend. A backend that cannot be reached is a warning while another one can; it is critical when none
/// can, for then every client fails. What this machine could not even try says nothing about a backend.
/// </summary>
public static class BackendChecks
{
    /// <summary>The checks in the order of the facts.</summary>
    public static Arr<DoctorCheck> Of(Arr<BackendFact> backends)
    {
        var noneLeft = backends.ForAll(IsUnreachable);
        return backends.Map(fact => fact.Outcome.Match(
            connected: c => DoctorCheck.Ok(
                CheckName.Backend,
                $"{fact.Backend} {(c.Answered ? "answers its health check" : "accepts connections")} "
                    + $"({c.Took.ToText()})"),
            refused: () => Fault(noneLeft, Refused(fact)),
            timedOut: t => Fault(noneLeft, TimedOut(fact, t)),
            unresolved: u => Fault(noneLeft, Unresolved(fact, u)),
            unreachable: u => Fault(noneLeft, Unreachable(fact, u)),
            localFailure: l => DoctorCheck.Warn(CheckName.Backend, Local(fact, l)),
            ownListener: () => Fault(noneLeft, OwnListenerProblem.Of($"{fact.Backend}")),
            wrongAnswer: w => Fault(noneLeft, Wrong(fact, w)),
            noSocket: n => Fault(noneLeft, NoSocket(fact, SocketFaultText.Of(n.Fault)))));
    }

    private static bool IsUnreachable(BackendFact fact) => fact.Outcome.Match(
        connected: _ => false,
        refused: () => true,
        timedOut: _ => true,
        unresolved: _ => true,
        unreachable: _ => true,
        localFailure: _ => false,
        ownListener: () => true,
        wrongAnswer: _ => true,
        noSocket: _ => true);

    private static DoctorCheck Fault(bool noneLeft, Problem problem) => noneLeft
        ? DoctorCheck.Critical(CheckName.Backend, problem)
        : DoctorCheck.Warn(CheckName.Backend, problem);

    private static Problem Refused(BackendFact fact) => new(
        "backend_refused",
        $"backend {fact.Backend} refused the connection",
        "its host is up, but nothing listens on that port: the service is stopped, or listens elsewhere",
        $"start the service on {fact.Backend}, or correct host and port in the configuration");

    private static Problem TimedOut(BackendFact fact, ProbeOutcome.TimedOut timedOut) => new(
        "backend_timeout",
        $"backend {fact.Backend} did not answer within {timedOut.Limit.ToText()}",
        "its host is down, a firewall drops the packets, or the service accepts too slowly",
        $"run 'nc -vz -w 3 {fact.Backend.Host} {fact.Backend.Port}' from here; check that host and its firewall");

    private static Problem Unresolved(BackendFact fact, ProbeOutcome.Unresolved unresolved) => new(
        "backend_unresolved",
        $"backend {fact.Backend}: the name does not resolve: {unresolved.Reason}",
        "the name is mistyped, or the DNS server does not know it or does not answer",
        $"run 'getent hosts {fact.Backend.Host}'; correct the name, or use an IP address");

    private static Problem Unreachable(BackendFact fact, ProbeOutcome.Unreachable unreachable) => new(
        "backend_unreachable",
        $"backend {fact.Backend} cannot be reached: {unreachable.Reason}",
        "no route leads to its network, its host is down, or a firewall there or here rejects the packets",
        $"run 'ip route get {fact.Backend.Host}' and check the network between here and there");

    private static Problem NoSocket(BackendFact fact, SocketFaultText words) => new(
        "backend_socket", $"backend {fact.Backend}: {words.What}", words.Why, words.Remedy);

    private static Problem Wrong(BackendFact fact, ProbeOutcome.WrongAnswer wrong) => new(
        "backend_wrong_answer",
        $"backend {fact.Backend} does not answer its health check as it should: {wrong.Answer}",
        "it is not ready, has another role than the check asks for, or is another program",
        "look into its log; where it is as it should be, correct 'health_check' in the configuration");

    private static Problem Local(BackendFact fact, ProbeOutcome.LocalFailure local) => new(
        "probe_not_possible",
        $"backend {fact.Backend} could not be tried: {local.Reason}",
        "this machine is out of descriptors, ports or memory",
        "run 'ulimit -n' and 'ss -s', free what is used up, then run 'bal doctor' again");
}
