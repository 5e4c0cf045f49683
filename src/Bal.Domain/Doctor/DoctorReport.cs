using System.Globalization;
using System.Text;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Doctor;

/// <summary>What doctor says: the checks in a stable order, and the protection mode as the daemon tells it.</summary>
/// <param name="Checks">Every check, ok ones included.</param>
/// <param name="ProtectionReason">Why protection mode is on; none while it is off or no daemon runs.</param>
public sealed record DoctorReport(Arr<DoctorCheck> Checks, Option<string> ProtectionReason)
{
    /// <summary>Up to this many backends with the same problem are listed one by one.</summary>
    public const int MostAlike = 3;

    /// <summary>The level of the worst check. The exit code of doctor is 1 exactly when it is critical.</summary>
    public CheckLevel Overall =>
        Checks.Fold(CheckLevel.Ok, (worst, check) => check.Level > worst ? check.Level : worst);

    /// <summary>How many checks are critical.</summary>
    public int CriticalCount => Checks.Count(c => c.Level == CheckLevel.Critical);

    /// <summary>How many checks warn.</summary>
    public int WarningCount => Checks.Count(c => c.Level == CheckLevel.Warn);

    /// <summary>Judges what was observed; total over every combination of facts.</summary>
    public static DoctorReport From(DoctorFacts facts)
    {
        IEnumerable<DoctorCheck> checks =
        [
            ConfigCheck.Of(facts.Config),
            HostChecks.Home(facts.Home, facts.EffectiveUserId, facts.Pid.IsHeld),
            DaemonChecks.Pid(facts.Pid),
            DaemonChecks.Control(facts.Control),
            .. facts.BlockedSocket.Map(HostChecks.Socket),
            .. facts.Binds.Map(BindCheck.Of),
            .. BackendChecks.Of(facts.Backends),
            .. facts.Config.Valid.Match(
                Some: config => LimitChecks.Of(config, facts.Limits),
                None: () => Arr<DoctorCheck>.Empty),
            HostChecks.User(facts.EffectiveUserId),
            HostChecks.Log(facts.Log, facts.Pid.IsHeld),
            .. facts.DecisionLog.Map(DecisionLogCheck.Of),
            .. facts.AccessLog.Map(AccessLogCheck.Of),
        ];
        var reason = facts.Control.Match(
            notAsked: () => Option<string>.None,
            answered: a => a.ProtectionReason,
            silent: _ => Option<string>.None);
        return new DoctorReport(checks.ToArr(), reason);
    }

    /// <summary>The concise form: the stable labels, and the three lines of every problem.</summary>
    public string ToText() => Render(_ => false);

    /// <summary>The concise form with every check, in one line each, and the advice on those that are ok.</summary>
    public string ToVerboseText() => Render(_ => true);

    /// <summary>What to run next.</summary>
    public string Next =>
        Checks.Exists(c => c.Name == CheckName.Config && c.Level == CheckLevel.Critical) ? "run 'bal check'"
        : Overall == CheckLevel.Ok ? "run 'bal status'"
        : "do what do_this_now says, then run 'bal doctor' again";

    private string Render(Func<DoctorCheck, bool> listed)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"overall: {Label(Overall)}\n");
        text.Append(CultureInfo.InvariantCulture, $"critical: {CriticalCount}\n");
        text.Append(CultureInfo.InvariantCulture, $"warnings: {WarningCount}\n");
        text.Append(ProtectionReason.Match(
            Some: reason => $"protection_mode: on ({reason})\n",
            None: () => "protection_mode: off\n"));
        var told = new System.Collections.Generic.HashSet<string>();
        foreach (var check in Checks)
        {
            if (listed(check))
            {
                var level = Label(check.Level);
                text.Append(CultureInfo.InvariantCulture,
                    $"check: {check.Name}: {level}: {Printable.Line(check.Summary)}\n");
                check.Note.IfSome(note => text.Append(CultureInfo.InvariantCulture, $"note: {Printable.Line(note)}\n"));
            }

            foreach (var problem in check.Problem.Filter(p => check.Name != CheckName.Backend || told.Add(p.Code)))
                foreach (var shown in check.Name == CheckName.Backend ? Alike(problem) : Prelude.Array(problem))
                    text.Append(shown.ToText());
        }

        text.Append(CultureInfo.InvariantCulture, $"next: {Next}\n");
        return text.ToString();
    }

    /// <summary>The problems of all backends that have the same as <paramref name="first"/>; of many, one for
    /// all.</summary>
    private Arr<Problem> Alike(Problem first)
    {
        var all = new Arr<Problem>(Checks.Where(c => c.Name == CheckName.Backend).SelectMany(c => c.Problem.ToArray())
            .Where(problem => problem.Code == first.Code));
        return all.Count <= MostAlike
            ? all
            : Prelude.Array(first with
            {
                WhatHappened = $"{first.WhatHappened}; {all.Count - 1} more backends have the same problem "
                    + "('bal doctor --verbose' lists them)",
            });
    }

    private static string Label(CheckLevel level) => level switch
    {
        CheckLevel.Ok => "OK",
        CheckLevel.Warn => "WARN",
        _ => "CRITICAL",
    };
}
