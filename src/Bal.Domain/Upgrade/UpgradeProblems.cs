using Bal.Domain.Messages;

namespace Bal.Domain.Upgrade;

/// <summary>Why an upgrade did not take place.</summary>
public static class UpgradeProblems
{
    private const string StillServes = "the running process keeps serving";

    /// <summary>Another upgrade is not finished yet.</summary>
    public static readonly Problem UnderWay = new(
        "upgrade_under_way",
        "another upgrade is under way",
        "'bal upgrade' or SIGUSR2 came twice",
        "wait until it has ended, check 'bal status', and run 'bal upgrade' again if it is still needed");

    /// <summary>This process is the first of its container, whose end is that of the new one, too.</summary>
    public static readonly Problem IsInit = new(
        "upgrade_of_init",
        $"bal is the first process of its container, and a container ends with its first process; {StillServes}",
        "the container runs bal directly, without an init",
        "replace the container: start one from the new image, then stop this one, which drains it");

    /// <summary>What was to be handed over is not what the new process has been given.</summary>
    public static readonly Problem FilesRestored = new(
        "upgrade_files_restored",
        $"bal.pid or bal.sock was removed during the upgrade and has been restored; {StillServes}",
        "a job that cleans up, or somebody, deletes files in BAL_HOME",
        "run 'bal upgrade' again");

    /// <summary>bal is stopping.</summary>
    public static readonly Problem Stopping = new(
        "stopping",
        "bal is stopping and will not start a new process",
        "'bal stop' or a signal came before the upgrade was finished",
        "wait until it has ended, then run 'bal start -d'");

    /// <summary>This process has been replaced already.</summary>
    public static Problem ReplacedAlready(int by) => new(
        "replaced_already",
        $"this process has been replaced by process {by} and only finishes its connections",
        "the signal went to the old process id",
        "run 'bal upgrade', which finds the one that serves");

    /// <summary>Too many replaced processes have open connections.</summary>
    public static Problem TooMany(int draining) => new(
        "upgrade_too_many",
        $"{draining} replaced processes still have open connections, which is as many as bal keeps",
        "clients keep connections open for longer than the time between two upgrades",
        "see them with 'bal status', wait, or end the oldest with 'kill -TERM PID', which gives it 30 s");

    /// <summary>It ended instead of serving.</summary>
    internal static Problem Died(int pid, string how) => new(
        "upgrade_died",
        $"the new process (pid={pid}) {how} before it served; {StillServes}",
        // bal itself sends this signal where the other end of the link is closed, whoever closed it.
        how.EndsWith("signal 9", StringComparison.Ordinal)
            ? "it closed its connection to the running bal, which ended it; or the machine was out of memory, or "
                + "somebody else killed it"
            : "the file is not a bal for this system, is damaged, or is a version without 'bal upgrade'",
        "run 'bal --version' and 'bal check' with the new binary, and see the log of bal; then run 'bal upgrade' "
        + "again");

    /// <summary>It took too long.</summary>
    internal static Problem TooSlow(UpgradeState state) => state is UpgradeState.Starting { Pid: var pid }
        ? new(
            "upgrade_too_slow",
            $"the new process (pid={pid}) was not ready in time and was ended; {StillServes}",
            "the file is not bal, or the machine is overloaded",
            "run 'bal --version' and 'bal check' with the new binary; then run 'bal upgrade' again")
        : new(
            "upgrade_too_slow",
            $"the handover took longer than {UpgradeMachine.StepPatience.ToText()} for one step; {StillServes}",
            "the machine is overloaded, or one of the processes was stopped (SIGSTOP)",
            "look at 'uptime' and 'free -m', then run 'bal upgrade' again");
}
