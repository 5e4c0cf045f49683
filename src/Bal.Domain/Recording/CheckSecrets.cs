using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>
/// What the health checks of a state say to backends. The form of a state leaves it out, so that it is recorded
/// nowhere; one process tells it the next one beside the state.
/// </summary>
public static class CheckSecrets
{
    /// <summary>All of them, in a fixed order.</summary>
    public static Arr<Octets> Of(ControlState state)
    {
        var found = new List<Octets>();
        _ = Changed(state, secret =>
        {
            found.Add(secret.Bytes.IfNone(Octets.Empty));
            return secret;
        });
        return new(found);
    }

    /// <summary>The form of a state which is read with these; others than it has are a fault.</summary>
    public static Codec<ControlState> Taking(Codec<ControlState> form, Arr<Octets> secrets) => form with
    {
        Read = (walk, json) =>
        {
            var state = form.Read(walk, json);
            if (walk.Fault is not null)
                return state;
            var at = 0;
            var filled = Changed(state, secret => at < secrets.Count ? secret.With(secrets[at++]) : Missing(secret));
            return at == secrets.Count ? filled : walk.Fail<ControlState>("it has other secrets than its checks need");

            Secret Missing(Secret secret)
            {
                at = secrets.Count + 1;
                return secret;
            }
        },
    };

    private static ControlState Changed(ControlState state, Func<Secret, Secret> change) => state with
    {
        Config = state.Config with { Services = state.Config.Services.Map(service => service.With(change)) },
        Services = new(state.Services.Values.Select(service => (service.Id.Value, service with
        {
            Config = service.Config.With(change),
            Backends = new(service.Backends.Pairs.Select(placed =>
                (placed.Key, placed.Value with { Config = placed.Value.Config.With(change) }))),
        }))),
    };
}
