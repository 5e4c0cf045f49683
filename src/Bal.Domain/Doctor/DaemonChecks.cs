using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Doctor;

/// <summary>The daemon of this BAL_HOME: stopped is no fault, present but silent is.</summary>
public static class DaemonChecks
{
    /// <summary>What the PID file says.</summary>
    public static DoctorCheck Pid(PidFact pid) => pid.Match(
        absent: () => DoctorCheck.Ok(CheckName.Pid, "no daemon is running"),
        stale: s => DoctorCheck.OkWithNote(
            CheckName.Pid,
            $"no daemon is running; a stale PID file is left over ({s.Content})",
            "nothing to do: the next start replaces it"),
        held: h => DoctorCheck.Ok(CheckName.Pid, h.ProcessId.Match(
            Some: id => $"the daemon is running (pid={id})",
            None: () => "a daemon is starting: it holds the PID file and has not written its PID yet")),
        unreadable: u => DoctorCheck.Critical(CheckName.Pid, u.Reason));

    /// <summary>What the control socket said.</summary>
    public static DoctorCheck Control(ControlFact control, PidFact pid) => control.Match(
        notAsked: () => DoctorCheck.Ok(CheckName.Control, "nobody to ask: no daemon is running"),
        answered: a => a.ProtectionReason.Match(
            Some: reason => DoctorCheck.Warn(CheckName.Control, Protection(reason)),
            None: () => DoctorCheck.Ok(
                CheckName.Control, $"the daemon answers; it listens on {a.Listener} and uses {a.ConfigPath}")),
        silent: s => DoctorCheck.Critical(CheckName.Control, Silent(s.Reason, IdOf(pid))));

    private static Problem Protection(string reason) => new(
        "protection_mode_on",
        $"the daemon is in protection mode ({reason})",
        reason == "all_backends_unavailable"
            ? "every backend failed for one client"
            : "many connects to backends timed out or were refused within a short time",
        "run 'bal status --verbose', repair the backends that it shows as down; the mode ends by itself");

    private static Problem Silent(string reason, Option<int> id) => new(
        "control_socket_silent",
        $"{id.Match(Some: i => $"the daemon (pid={i})", None: () => "a daemon")} holds the PID file, "
            + $"but its control socket does not answer: {reason}",
        "it is starting or ending at this moment, its socket file was removed, or it is stuck",
        id.Match(
            Some: i => $"run 'bal doctor' again; if it stays so, run 'kill {i}', then 'bal start -d'",
            None: () => "run 'bal doctor' again in a second"));

    private static Option<int> IdOf(PidFact pid) => pid.Match(
        absent: () => Option<int>.None,
        stale: _ => Option<int>.None,
        held: h => h.ProcessId,
        unreadable: _ => Option<int>.None);
}
