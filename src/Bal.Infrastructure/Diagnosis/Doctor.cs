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
    /// Examines the machine, within a bounded time. Backends are probed concurrently, each for at most its service's
    /// health check timeout. No thread is needed: where the system gives none, doctor is what finds that out.
    /// </summary>
    public static DoctorReport Examine(DoctorInputs inputs)
    {
        var services = inputs.Config.Valid.Match(
            Some: config => config.Services, None: () => Arr<Service>.Empty);
        var daemon = DaemonOf(inputs.Pid);
        var backends = BackendProbes.Run(services);
        var names = Lookups.Of(services.Bind(s => s.Listener.Addresses).OfType<Host.Name>(), Lookups.Patience);
        var binds = new Arr<BindFact>(services.DistinctBy(service => service.Listener)
            .Select(service => Bind(service, daemon, inputs.Control, names)));
        return DoctorReport.From(new DoctorFacts(
            inputs.Config,
            MachineFacts.Home(inputs.HomePath),
            inputs.Pid,
            inputs.Control,
            binds,
            backends,
            MachineFacts.Limits(daemon),
            Libc.geteuid(),
            MachineFacts.Log(inputs.LogPath))
        {
            BlockedSocket = FileFacts.Of(new Process.BalHome(inputs.HomePath).ControlSocket, follow: false)
                is { IsDirectory: true }
                    ? new Process.BalHome(inputs.HomePath).ControlSocket
                    : Option<string>.None,
            AccessLog = inputs.Config.Valid.Bind(config => config.AccessLog
                .Filter(path => path != BalConfig.StandardOutput)
                .Map(path => MachineFacts.AccessLog(path, Accounting.AccessLogging.IsOwn(
                    path, new Process.BalHome(inputs.HomePath),
                    inputs.Config is ConfigFact.Read { Path: var its } ? its : "", config)))),
            DecisionLog = inputs.Config.Valid.Bind(config => config.DecisionLog)
                .Map(path => MachineFacts.DecisionLog(path, new Process.BalHome(inputs.HomePath)) with
                {
                    IsElsewhereAsRoot = Libc.geteuid() == 0 && inputs.Config is ConfigFact.Read { Path: var file }
                        && !path.StartsWith($"{Path.GetDirectoryName(file)?.TrimEnd('/')}/", StringComparison.Ordinal),
                }),
        });
    }

    private static BindFact Bind(
        Service service, Option<int> daemon, ControlFact control, IReadOnlyDictionary<string, Lookup> names)
    {
        var listener = service.Listener;
        // A daemon of another user hides its descriptors, so what it says of itself counts as well.
        var told = control is ControlFact.Answered answered && answered.Listener == listener.ToString();
        if (told) return new BindFact(listener, new BindOutcome.HeldByOwnDaemon(daemon));
        var holds = true;
        foreach (var host in listener.Addresses)
        {
            var outcome = Bind(host, service, daemon, names);
            if (outcome is not (BindOutcome.Free or BindOutcome.HeldByOwnDaemon))
                return new BindFact(new Listener(host, listener.Port), outcome);
            holds &= outcome is BindOutcome.HeldByOwnDaemon;
        }

        return new BindFact(listener, holds ? new BindOutcome.HeldByOwnDaemon(daemon) : new BindOutcome.Free());
    }

    // As a start does: all addresses of the families that this machine has, or none.
    private static BindOutcome Bind(
        Host host, Service service, Option<int> daemon, IReadOnlyDictionary<string, Lookup> names)
    {
        if (host is Host.Unix unix)
            return daemon.Exists(id => SocketTable.Holds(id, SocketTable.ListenersOn(unix.Path)))
                ? new BindOutcome.HeldByOwnDaemon(daemon)
                : UnixSockets.RoomFor(unix.Path);
        var looked = host is Host.Name name ? names[name.Value] : null;
        if (looked is { Addresses.Length: 0 })
            return new BindOutcome.Unresolved(looked.Fault);
        var found = host is Host.Address literal
            ? Either<BindOutcome, NameAddresses>.Right(new NameAddresses([literal.Value], []))
            : NameAddresses.Among(looked!.Addresses);
        return found.Match(
            Right: addresses =>
            {
                var outcomes = addresses.Usable
                    .Select(address => BindAttempt.Of(
                        BoundAddress.Of(address, service.Listener), service.Freebind, daemon)).ToArray();
                return outcomes.FirstOrDefault(o => o is not (BindOutcome.Free or BindOutcome.HeldByOwnDaemon))
                    ?? outcomes[0];
            },
            Left: outcome => outcome);
    }

    private static Option<int> DaemonOf(PidFact pid) => pid.Match(
        absent: () => Option<int>.None,
        stale: _ => Option<int>.None,
        held: h => h.ProcessId,
        unreadable: _ => Option<int>.None);
}
