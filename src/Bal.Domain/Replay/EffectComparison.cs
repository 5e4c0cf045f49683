using System.Globalization;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Recording;
using LanguageExt;

namespace Bal.Domain.Replay;

/// <summary>
/// What a log of another version is held against, since digests of states and of log lines are a version's own.
/// <para>
/// Each step carries a digest of its effects in common terms, and that is compared. Lines of 0.1.0 have none; there an
/// ending shows what had begun: a probe or a lookup that ends was started, and a backend that becomes idle was
/// draining. An ending of something that the replay did not begin is a difference; so the first such line may come
/// after the step which decided otherwise.
/// </para>
/// <para>
/// A checkpoint shows health, cooldown and protection mode. It is compared where nothing lies between it and the step
/// before: where a file was full, and where a process took over. In the latter case a probe may have ended while the
/// state was on its way, so that a backend counts only where its last probe ended at the same moment in both, and
/// protection mode only where all backends of its service do.
/// </para>
/// </summary>
internal static class EffectComparison
{
    /// <summary>What differs at a step; none where nothing does.</summary>
    public static Option<string> OfStep(ControlState before, DecisionLine.Step line, ControlStep after) =>
        line.Effects.Match(
            Some: recorded => recorded == EffectDigest.Of(after.Effects)
                ? Option<string>.None
                : Option<string>.Some("the effects differ"),
            None: () => line.Happened switch
            {
                // Nobody waits for a probe of a backend that drains.
                ControlEvent.ProbeEnded e =>
                    Unbegun(e.Backend, before, b => b.Probe.InFlight || b.Draining, "was probed"),
                ControlEvent.BackendIdle e => Unbegun(e.Backend, before, b => b.Draining, "was draining"),
                ControlEvent.Resolved e => UnbegunLookup(e.Name, before),
                _ => Option<string>.None,
            });

    /// <summary>What differs at a checkpoint, where it can be compared; none where nothing does.</summary>
    public static Option<string> OfCheckpoint(ReplayPosition position, DecisionLine.Checkpoint line)
    {
        var isNext = line.Reason == CheckpointReason.Rotated && line.Sequence == position.Sequence;
        var tookOver = line.Reason == CheckpointReason.Start && position.State.Phase.IsHandedOver;
        if (line.Unrecorded > 0 || !(isNext || tookOver))
            return Option<string>.None;
        return position.State.InOrder.Bind(here => line.State.Services.Find(here.Id.Value).Match(
            Some: there => Between(here, there, tookOver),
            None: () => Arr<string>.Empty)).HeadOrNone();
    }

    private static Arr<string> Between(ServiceState here, ServiceState there, bool tookOver)
    {
        var differences = new List<string>();
        var settled = true;
        foreach (var backend in here.Backends.Values)
        {
            var other = there.Backends.Values.Find(b => b.Id == backend.Id);
            var compared = other.Filter(b => !tookOver || b.Probe.LastEndedAt == backend.Probe.LastEndedAt);
            settled &= compared.IsSome;
            differences.AddRange(compared.Bind(b =>
                // What 0.1.0 does not write.
                b.Health with { Reached = backend.Health.Reached } != backend.Health ? Difference(backend, "health")
                : b.Cooldown != backend.Cooldown ? Difference(backend, "cooldown")
                : Option<string>.None));
        }

        if (settled && here.Protection.IsOn != there.Protection.IsOn)
            differences.Add($"protection mode of service '{here.Config.Name}' differs");
        return new(differences);
    }

    private static Option<string> Difference(BackendState backend, string what) =>
        $"{what} of backend {backend.Endpoint} differs";

    private static Option<string> Unbegun(
        BackendId id, ControlState before, Func<BackendState, bool> hasBegun, string what) =>
        EventMapping.Find(id, before).Filter(found => !hasBegun(found.Backend)).Map(found =>
            string.Create(CultureInfo.InvariantCulture,
                $"backend {found.Backend.Endpoint} {what} when it was recorded, and not in this replay"));

    // Of a name that no backend has any more nothing is known.
    private static Option<string> UnbegunLookup(string name, ControlState before)
    {
        var its = before.Index.Named(name).Bind(id => EventMapping.Find(id, before).ToArray().ToArr());
        return its.IsEmpty || its.Exists(found => found.Backend.Resolution.InFlight)
            ? Option<string>.None
            : Option<string>.Some($"'{name}' was looked up when it was recorded, and not in this replay");
    }
}
