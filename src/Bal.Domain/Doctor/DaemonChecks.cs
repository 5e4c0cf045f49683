using Bal.Domain.Config;
using Bal.Domain.Messages;

namespace Bal.Domain.Doctor;

/// <summary>The daemon of this BAL_HOME: stopped is not a fault; present but silent is.</summary>
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
    public static DoctorCheck Control(ControlFact control) => control.Match(
        notAsked: () => DoctorCheck.Ok(CheckName.Control, "skipped: no daemon is running"),
        answered: a => a.ProtectionReason.Match(
            Some: reason => DoctorCheck.Warn(CheckName.Control, Protection(reason)),
            None: () => DoctorCheck.Ok(
                CheckName.Control,
                $"the daemon answers; it listens on {a.Listener} and uses {GivenConfig.PlaceOf(a.ConfigPath)}")),
        silent: s => DoctorCheck.Critical(CheckName.Control, s.Reason));

    private static Problem Protection(string reason) => new(
        "protection_mode_on",
        $"the daemon is in protection mode ({reason})",
        reason == "all_backends_unavailable"
            ? "every backend failed for one client"
            : "many connects to backends timed out or were refused within a short time",
        "run 'bal status --verbose', repair the backends that it shows as down; the mode ends by itself");
}
