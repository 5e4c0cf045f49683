using Bal.Domain.Counting;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The form of what one process has counted, as it tells another one.</summary>
public static class TrafficCodec
{
    // A counter that the reader does not know is left out, one that the writer did not know is 0.
    private static readonly Codec<Arr<ServiceTraffic>> Services = Codec.List(Codec.Object<ServiceTraffic>(m => new(
        m.Of("id", Scalar.Service, s => s.Service),
        m.Of("active", Scalar.Number, s => s.Active),
        ServiceCounters.All.Map(counter => m.Of(counter.Word, Scalar.Number, s => s.Of(counter), missing: 0)))));

    private static readonly Codec<Arr<long>> Counts = Codec.List(Scalar.Number);

    private static readonly Durations NoneTaken = Durations.NoneOf(DurationScale.Connect);

    // What another version has counted by other bounds is left out.
    private static readonly Codec<Durations> Taken = Codec.Object<Durations>(m => new(
        m.Of("counts", Counts, d => d.Counts),
        m.Of("ms", Scalar.Number, d => d.Milliseconds)))
        .Wrap<Durations>(d => d, read => read.Counts.Count == NoneTaken.Counts.Count ? read : NoneTaken);

    private static readonly Codec<Arr<BackendTraffic>> Backends = Codec.List(Codec.Object<BackendTraffic>(m => new(
        m.Of("id", Scalar.Id, b => b.Backend),
        m.Of("active", Scalar.Number, b => b.Active),
        m.Of("total", Scalar.Number, b => b.Total),
        m.Of("bytes_in", Scalar.Number, b => b.BytesIn),
        m.Of("bytes_out", Scalar.Number, b => b.BytesOut))
    {
        Connects = m.Of("connects", Taken, b => b.Connects, NoneTaken),
        Probes = m.Of("probes", Taken, b => b.Probes, NoneTaken),
    }));

    private static readonly Codec<AccessLogCounts> AccessLog = Codec.Object<AccessLogCounts>(m => new(
        m.Of("lines", Scalar.Number, c => c.Lines),
        m.Of("suppressed", Scalar.Number, c => c.Suppressed),
        m.Of("dropped", Scalar.Number, c => c.Dropped)));

    /// <summary>Its form.</summary>
    public static readonly Codec<Traffic> Traffic = Codec.Object<Traffic>(m =>
    {
        var inAll = m.Inline(Format0_1_0.Traffic, Sum);
        return new(
            m.Of("services", Services, t => t.Services, Prelude.Array(inAll)),
            m.Of("backends", Backends, t => t.Backends))
        {
            AccessLog = m.Of("access_log", AccessLog, t => t.AccessLog, AccessLogCounts.None),
        };
    });

    private static ServiceTraffic Sum(Traffic traffic) => traffic.Services.Fold(
        ServiceTraffic.NoneOf(Format0_1_0.OnlyService), (sum, service) => sum.Plus(service));
}
