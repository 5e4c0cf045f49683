using Bal.Domain.Config;
using Bal.Domain.Diagnostics;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Infrastructure.Diagnosis;

/// <summary>What other parts of bal find out, in the words of doctor.</summary>
public static class DoctorSources
{
    /// <summary>What the PID file of <paramref name="home"/> says; if held, there is a daemon to ask.</summary>
    public static PidFact Pid(BalHome home) => PidFile.Inspect(home.PidFile).Match<PidFact>(
        missing: () => new PidFact.Absent(),
        held: h => new PidFact.Held(Prelude.Some(h.Pid)),
        stale: content => new PidFact.Stale(content.ToText()),
        unreadable: problem => new PidFact.Unreadable(problem));

    /// <summary>Everything that <see cref="Doctor.ExamineAsync"/> starts from.</summary>
    public static DoctorInputs Inputs(BalHome home, LoadedConfig loaded, PidFact pid, ControlFact control) =>
        new(home.Root, home.LogFile, new ConfigFact.Read(loaded.Path, loaded.Outcome), pid, control);
}
