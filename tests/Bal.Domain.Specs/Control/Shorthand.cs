using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Control;
using Bal.Domain.Counting;

namespace Bal.Domain.Specs.Control;

/// <summary>What many properties look at.</summary>
internal static class Shorthand
{
    /// <summary>So many connections of the first service are open.</summary>
    public static Traffic Open(int connections) => Traffic.None with
    {
        Services = LanguageExt.Prelude.Array(ServiceTraffic.NoneOf(new ServiceId(1)) with { Active = connections }),
    };

    extension(ServiceState service)
    {
        /// <summary>What the loops are to know of the service.</summary>
        public RoutingTable Table => Publishing.TableOf(service);
    }

    extension(ControlStep step)
    {
        /// <summary>The tables that the step has published, as the shell gives them to the loops.</summary>
        public IEnumerable<RoutingTable> Tables => step.Effects
            .Where(effect => effect is ControlEffect.Publish publish
                && step.State.Services.ContainsKey(publish.Service.Value))
            .Select(effect => Publishing.TableOf(step.State.Services[((ControlEffect.Publish)effect).Service.Value]));
    }
}
