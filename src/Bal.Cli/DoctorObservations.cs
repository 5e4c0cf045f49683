using Bal.Domain.Config;
using Bal.Domain.Doctor;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.Diagnosis;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Cli;

/// <summary>What the command itself finds out for doctor: the file, the PID file, the daemon's own word.</summary>
internal static class DoctorObservations
{
    internal static DoctorInputs Gather(BalHome home, ConfigLocation location)
    {
        var pid = Pid(home);
        var asked = pid is PidFact.Held ? Ask(home) : new Asked(new ControlFact.NotAsked(), []);
        return new DoctorInputs(home.Root, home.LogFile, Config(location, asked), pid, asked.Control);
    }

    // What the daemon said, and the backends that it serves.
    private sealed record Asked(ControlFact Control, string[] Backends);

    // Unless a file is named, what counts is what the running daemon serves, of which it will read a file again.
    private static ConfigFact Config(ConfigLocation location, Asked asked) =>
        location is ConfigLocation.Found { Source: ConfigSource.Argument }
            or ConfigLocation.Missing { Source: ConfigSource.Argument }
        || asked.Control is not ControlFact.Answered daemon
            ? Config(location)
            : daemon.ConfigPath.Length > 0
                ? Config(new ConfigLocation.Found(daemon.ConfigPath, ConfigSource.Argument))
                : new ConfigFact.Read(
                    GivenConfig.Place,
                    new GivenConfig(daemon.Listener, new Arr<string>(asked.Backends))
                        .Validate(LinuxHostFacts.Gather()));

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

    private static Asked Ask(BalHome home) => RunningDaemon.In(home)
        .Bind(daemon =>
        {
            using (daemon)
                return daemon.Ask("status");
        })
        .Bind(ControlAnswer.Parse)
        .Match(
            Right: answer => new Asked(Answered(answer), [.. answer.Items("backends")
                .Select(backend => ControlAnswer.TextOf(backend, "address") ?? "")]),
            Left: problem => new Asked(new ControlFact.Silent(problem), []));

    private static ControlFact.Answered Answered(ControlAnswer answer)
    {
        var address = answer.Text("bind_address") ?? "";
        var host = address.Contains(':', StringComparison.Ordinal) && address[0] != '[' ? $"[{address}]" : address;
        var protection = answer.Member("protection_mode");
        return new ControlFact.Answered(
            answer.Text("config_path") ?? "",
            address.StartsWith(Host.Unix.Prefix, StringComparison.Ordinal)
                ? address
                : $"{host}:{answer.Number("port")}",
            protection.Flag("enabled") ? Prelude.Optional(protection.Text("reason")) : Option<string>.None);
    }
}
