using Bal.Application;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// What comes before a reload: the file is read, and names to listen on are looked up without keeping the supervisor
/// from anything else. Reloads stay in the order in which they were asked for.
/// </summary>
/// <param name="reactor">The supervisor's thread.</param>
/// <param name="read">Reads the configuration file.</param>
/// <param name="served">The configuration in force, whose listeners need no lookup.</param>
/// <param name="apply">Where a reload goes from here.</param>
internal sealed class Reloads(
    Reactor reactor,
    Func<Either<ConfigRefusal, ConfigReading>> read,
    Func<BalConfig> served,
    Action<SupervisorInput.Reload> apply)
{
    private readonly Queue<SupervisorInput.Reload> waiting = new();
    private bool isLookingUp;

    public void Take(SupervisorInput.Reload reload)
    {
        waiting.Enqueue(reload);
        GoOn();
    }

    /// <summary>Reads the file for something other than a reload, such as a dry run.</summary>
    public void Read(Action<Either<ConfigRefusal, ConfigReading>> then)
    {
        var reading = ConfigReadings.Guarded(read);
        var names = NewNames(reading);
        if (names.Count == 0)
            then(reading);
        else
            BindNames.LookUp(names, reactor, () => then(reading));
    }

    private void GoOn()
    {
        while (!isLookingUp && waiting.TryDequeue(out var reload))
        {
            isLookingUp = true;
            Read(reading =>
            {
                isLookingUp = false;
                apply(reload with { Reading = reading });
                GoOn();
            });
        }
    }

    private List<string> NewNames(Either<ConfigRefusal, ConfigReading> reading) => reading.Match(
        Right: r => NamesOf(r.Config),
        Left: _ => []);

    private List<string> NamesOf(BalConfig next)
    {
        var open = served().Services.Select(service => service.Listener).ToHashSet();
        return [.. next.Services.Select(service => service.Listener).Where(listener => !open.Contains(listener))
            .SelectMany(listener => listener.Addresses).OfType<Host.Name>().Select(name => name.ToString()).Distinct()];
    }
}
