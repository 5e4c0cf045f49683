using Bal.Domain.Control;
using Bal.Domain.Protection;

namespace Bal.Domain.Reports;

/// <summary>
/// The state of bal in one line, for who looks at it through the service manager (<c>systemctl status</c>). It says
/// nothing that changes with time or traffic alone, so that a healthy bal has nothing to tell.
/// </summary>
public static class ServiceLine
{
    /// <summary>The line; no newline in it.</summary>
    public static string Of(ControlState state)
    {
        var backends = state.Services.Values.Fold(
            new Reach(0, 0),
            (sum, service) => service.Backends.Values.Where(b => !b.Draining).Fold(sum, (s, b) =>
                new Reach(s.Up + (b.Health.Up && b.IsPlaced ? 1 : 0), s.Of + 1)));
        return $"{Doing(state)}: {backends.Up}/{backends.Of} backends reachable, protection mode {Protection(state)}";
    }

    private static string Doing(ControlState state) => state.Phase.Match(
        running: () => state.Refused.IsSome ? "serving; the last reload was refused" : "serving",
        delaying: _ => "stopping, clients are still accepted",
        draining: _ => "stopping, open connections may finish",
        ended: () => "stopped");

    private static string Protection(ControlState state) => string.Join(", ", state.InOrder
        .Map(service => service.Protection.Match(_ => "", on => ProtectionText.Of(on.Reason)))
        .Filter(reason => reason.Length > 0)
        .Distinct()) is { Length: > 0 } reasons
        ? $"on ({reasons})"
        : "off";

    private sealed record Reach(int Up, int Of);
}
