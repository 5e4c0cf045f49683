using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Counting;

namespace Bal.Infrastructure.DataPlane;

/// <summary>The ends of connections with a backend that the core decides, here and in replaced processes.</summary>
internal sealed partial class Plane
{
    /// <summary>Told of every <see cref="Reset"/>.</summary>
    public Action<ControlEffect.Reset> OnReset { get; init; } = _ => { };

    public void Reset(BackendId backend, TerminationReason reason)
    {
        Tell(new LoopCommand.Reset(backend.Value, reason, All: false));
        OnReset(new(backend, reason));
    }

    /// <summary>
    /// The same in a process that has been replaced: the other one decides, and its tables are not known here.
    /// </summary>
    public void ResetAll(ControlEffect.Reset reset) =>
        Tell(new LoopCommand.Reset(reset.Backend.Value, reset.Reason, All: true));
}
