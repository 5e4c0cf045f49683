using Bal.Domain.Backend;
using Bal.Domain.Counting;

namespace Bal.Infrastructure.DataPlane;

/// <summary>What has passed through this process, and through those that it has replaced.</summary>
internal sealed partial class Plane
{
    /// <summary>What has passed through this and all replaced processes, at this moment.</summary>
    public Traffic Measure()
    {
        var all = replaced.Plus(MeasureOwn());
        return all with
        {
            Services = all.Services.Map(s => s with
            {
                Active = services.Find(s.Service) is { } plane ? plane.Open + plane.OpenElsewhere : s.Active,
                Clients = services.Find(s.Service)?.MeasureClients(EventLoop.MonotonicMs()) ?? default,
            }),
            Previous = replaced.Processes.Map(p => new PreviousProcess(p.Pid, p.Version, p.Since, p.Open)),
        };
    }

    /// <inheritdoc cref="Backends.Probed"/>
    public void Probed(BackendId backend, long ms) => backends.Probed(backend, ms);

    /// <summary>What has passed through this process alone.</summary>
    public Traffic MeasureOwn()
    {
        var bytes = backends.BytesByService();
        var passed = services.All.Select(s => s.Measure()).Select(s => s
            .With(ServiceCounters.BytesIn, bytes.GetValueOrDefault(s.Service).In)
            .With(ServiceCounters.BytesOut, bytes.GetValueOrDefault(s.Service).Out));
        return new(new(passed), backends.Measure()) { AccessLog = Access.Counts };
    }
}
