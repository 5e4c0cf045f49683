using Bal.Domain.Control;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>
/// Whether this instance should get new clients, as whoever moves an address between machines asks (<c>bal ready</c>).
/// </summary>
/// <param name="ConfigPath">The file that it serves.</param>
/// <param name="Refusal">Why it should get none, whatever its backends; none where it should.</param>
/// <param name="Services">The services that are not being removed.</param>
public sealed record ReadyReport(string ConfigPath, Option<string> Refusal, Arr<ServiceReady> Services)
{
    /// <summary>The report of a running bal.</summary>
    /// <param name="configPath">The file that it serves.</param>
    /// <param name="accepts">Whether the event loops accept clients; they do not yet while bal starts.</param>
    /// <param name="state">What the supervisor knows.</param>
    public static ReadyReport Of(string configPath, bool accepts, ControlState state) => new(
        configPath,
        state.Phase.Match(
            running: () => accepts ? Option<string>.None : "bal is starting",
            delaying: _ => "bal is stopping",
            draining: _ => "bal is stopping",
            ended: () => "bal is stopping"),
        state.InOrder.Filter(service => !service.Removed).Map(service => new ServiceReady(
            service.Config.Name, service.Backends.Values.Count(IsUsable))));

    /// <summary>Why the instance is not ready, in one line; none where it is.</summary>
    /// <param name="withBackends">Whether a service without a backend counts.</param>
    /// <param name="named">The services that count; all where none is named.</param>
    public Option<string> WhyNot(bool withBackends, Arr<string> named)
    {
        if (Refusal.IsSome || !withBackends)
            return Refusal;
        var known = Services.Map(service => service.Name);
        foreach (var name in named)
        {
            if (!known.Contains(name))
                return $"no service is called '{Printable.Short(name, 64)}'";
        }

        var without = Services.Filter(service =>
            service.Usable == 0 && (named.IsEmpty || named.Contains(service.Name)));
        return without.Count switch
        {
            0 => Option<string>.None,
            1 => $"no backend of service {without[0].Name} is up and gets new clients",
            _ => $"no backend is up and gets new clients in {without.Count} services, such as {without[0].Name}",
        };
    }

    private static bool IsUsable(BackendState backend) =>
        StatusReports.StateOf(backend) == BackendReport.Up && StatusReports.IsReachable(backend)
        && backend.Weight > 0;
}

/// <summary>A service as <see cref="ReadyReport"/> sees it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Usable">How many of its backends are up and take new clients.</param>
public sealed record ServiceReady(string Name, int Usable);
