using Bal.Domain.Config;
using Bal.Domain.Doctor;
using Bal.Domain.Reports;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.Diagnosis;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Cli;

/// <summary>What the command itself finds out for doctor: the file, the PID file, the daemon's own word.</summary>
internal static class DoctorObservations
{
    internal static DoctorInputs Gather(BalHome home, ConfigLocation location)
    {
        var pid = Pid(home);
        var control = pid is PidFact.Held ? Ask(home) : new ControlFact.NotAsked();
        return new DoctorInputs(home.Root, home.LogFile, Config(InUse(location, control)), pid, control);
    }

    // Unless a file is named, what counts is the one that the running daemon serves and will read again.
    private static ConfigLocation InUse(ConfigLocation location, ControlFact control) =>
        location is ConfigLocation.Found { Source: ConfigSource.Argument }
            or ConfigLocation.Missing { Source: ConfigSource.Argument }
            ? location
            : control is ControlFact.Answered { ConfigPath.Length: > 0 } daemon
                ? new ConfigLocation.Found(daemon.ConfigPath, ConfigSource.Argument)
                : location;

    private static ConfigFact Config(ConfigLocation location) => location.Match<ConfigFact>(
        found => new ConfigFact.Read(found.Path, ConfigLoader.Load(found.Path).Outcome),
        missing =>
        {
            var report = CheckReport.Of(missing, strict: false);
            return new ConfigFact.Unavailable(FindingProblem.Of(report.ConfigPath, report.Errors[0]));
        });

    private static PidFact Pid(BalHome home) => PidFile.Inspect(home.PidFile).Match<PidFact>(
        missing: () => new PidFact.Absent(),
        held: held => new PidFact.Held(held.Pid),
        stale: content => new PidFact.Stale(content.ToText()),
        unreadable: problem => new PidFact.Unreadable(problem));

    private static ControlFact Ask(BalHome home) => RunningDaemon.In(home)
        .Bind(daemon =>
        {
            using (daemon)
                return daemon.Ask("status");
        })
        .Bind(ControlAnswer.Parse)
        .Match(
            Right: Answered,
            Left: problem => new ControlFact.Silent(problem));

    private static ControlFact Answered(ControlAnswer answer)
    {
        var address = answer.Text("bind_address") ?? "";
        var host = address.Contains(':', StringComparison.Ordinal) && address[0] != '[' ? $"[{address}]" : address;
        var protection = answer.Member("protection_mode");
        return new ControlFact.Answered(
            answer.Text("config_path") ?? "",
            $"{host}:{answer.Number("port")}",
            protection.Flag("enabled") ? Prelude.Optional(protection.Text("reason")) : Option<string>.None);
    }
}
