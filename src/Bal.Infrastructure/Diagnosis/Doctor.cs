using System.Net;
using System.Net.Sockets;
using Bal.Domain.Config;
using Bal.Domain.Doctor;
using Bal.Domain.Primitives;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Diagnosis;

/// <summary>What the command has found out before doctor looks at the rest of the machine.</summary>
/// <param name="HomePath">The absolute path of BAL_HOME.</param>
/// <param name="LogPath">The absolute path of the daemon's log file.</param>
/// <param name="Config">What became of the configuration file.</param>
/// <param name="Pid">What the PID file says.</param>
/// <param name="Control">What the control socket answered, if somebody holds the PID file.</param>
public sealed record DoctorInputs(
    string HomePath, string LogPath, ConfigFact Config, PidFact Pid, ControlFact Control);

/// <summary>
/// Observes the environment as it is: binds and connects for real, changes nothing, and leaves every judgement to
/// <see cref="DoctorReport.From"/>.
/// </summary>
public static class Doctor
{
    /// <summary>
    /// Examines the machine. Backends are probed concurrently, each for at most its service's health check timeout.
    /// </summary>
    public static async Task<DoctorReport> ExamineAsync(DoctorInputs inputs, CancellationToken cancel)
    {
        var services = inputs.Config.Valid.Match(
            Some: config => config.Services, None: () => Arr<Service>.Empty);
        var daemon = DaemonOf(inputs.Pid);
        var backends = await BackendProbes.RunAsync(services, cancel).ConfigureAwait(false);
        var binds = new List<BindFact>();
        foreach (var service in services)
            binds.Add(await BindAsync(service.Listener, daemon, inputs.Control, cancel).ConfigureAwait(false));
        return DoctorReport.From(new DoctorFacts(
            inputs.Config,
            MachineFacts.Home(inputs.HomePath),
            inputs.Pid,
            inputs.Control,
            binds.ToArr(),
            backends,
            MachineFacts.Limits(daemon),
            MachineFacts.EffectiveUserId(),
            MachineFacts.Log(inputs.LogPath))
        {
            DecisionLog = inputs.Config.Valid.Bind(config => config.DecisionLog)
                .Map(path => MachineFacts.DecisionLog(path, new Process.BalHome(inputs.HomePath))),
        });
    }

    private static async Task<BindFact> BindAsync(
        Listener listener, Option<int> daemon, ControlFact control, CancellationToken cancel)
    {
        // A daemon of another user hides its descriptors, so what it says of itself counts as well.
        var told = control is ControlFact.Answered answered && answered.Listener == listener.ToString();
        if (told) return new BindFact(listener, new BindOutcome.HeldByOwnDaemon(daemon));
        var holds = true;
        foreach (var host in listener.Addresses)
        {
            var outcome = await BindAsync(host, listener, daemon, cancel).ConfigureAwait(false);
            if (outcome is not (BindOutcome.Free or BindOutcome.HeldByOwnDaemon))
                return new BindFact(new Listener(host, listener.Port), outcome);
            holds &= outcome is BindOutcome.HeldByOwnDaemon;
        }

        return new BindFact(listener, holds ? new BindOutcome.HeldByOwnDaemon(daemon) : new BindOutcome.Free());
    }

    // As a start does: all addresses of the families that this machine has, or none.
    private static async Task<BindOutcome> BindAsync(
        Host host, Listener listener, Option<int> daemon, CancellationToken cancel)
    {
        try
        {
            var found = host is Host.Address literal
                ? Either<BindOutcome, NameAddresses>.Right(new NameAddresses([literal.Value], []))
                : NameAddresses.Among(
                    await Dns.GetHostAddressesAsync(host.ToString(), cancel).ConfigureAwait(false));
            return found.Match(
                Right: addresses =>
                {
                    var outcomes = addresses.Usable
                        .Select(address => BindAttempt.Of(BoundAddress.Of(address, listener), daemon)).ToArray();
                    return outcomes.FirstOrDefault(o => o is not (BindOutcome.Free or BindOutcome.HeldByOwnDaemon))
                        ?? outcomes[0];
                },
                Left: outcome => outcome);
        }
        catch (SocketException e)
        {
            return new BindOutcome.Unresolved(e.Message);
        }
    }

    private static Option<int> DaemonOf(PidFact pid) => pid.Match(
        absent: () => Option<int>.None,
        stale: _ => Option<int>.None,
        held: h => h.ProcessId,
        unreadable: _ => Option<int>.None);
}
