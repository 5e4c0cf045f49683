namespace Bal.Domain.History;

/// <summary>The stable words of what happened, as JSON shows them.</summary>
public static class HappeningText
{
    /// <summary>The word for what happened to a backend.</summary>
    public static string Of(BackendHappening what) => what.Match(
        failed: _ => "failed",
        passed: _ => "passed",
        wentDown: () => "went_down",
        cameUp: () => "came_up",
        coolingBegan: () => "cooling_began",
        coolingEnded: () => "cooling_ended",
        nameUnresolved: () => "name_unresolved",
        nameResolved: () => "name_resolved",
        added: () => "added",
        kept: () => "kept",
        removed: () => "removed");

    /// <summary>The word for what happened to protection mode.</summary>
    public static string Of(ProtectionHappening what) =>
        what.Match(_ => "turned_on", () => "started_over", _ => "turned_off");

    /// <summary>The word for a witness.</summary>
    public static string Of(Witness witness) => witness switch
    {
        Witness.Probe => "probe",
        Witness.Client => "client",
        _ => "resolver",
    };
}
