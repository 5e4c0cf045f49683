using Bal.Domain.Counting;
using Bal.Domain.Recording;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>What one process has counted, as it tells another one.</summary>
internal static class TrafficJson
{
    private static readonly Arr<TerminationReason> Reasons = new(Enum.GetValues<TerminationReason>());

    // A member for each reason. One that this version does not know is left out, one that the other does not know is 0.
    private static readonly Codec<Arr<TerminationCount>> Ended = Codec.Object<Arr<TerminationCount>>(m =>
        Reasons.Map(reason => new TerminationCount(reason, m.Of(
            TerminationText.Of(reason),
            Scalar.Number,
            counts => counts.Filter(ended => ended.Reason == reason).Sum(ended => ended.Count),
            missing: 0))));

    private static readonly Codec<Arr<BackendTraffic>> Backends = Codec.List(Codec.Object<BackendTraffic>(m => new(
        m.Of("id", Scalar.Id, b => b.Backend),
        m.Of("active", Scalar.Number, b => b.Active),
        m.Of("total", Scalar.Number, b => b.Total),
        m.Of("bytes_in", Scalar.Number, b => b.BytesIn),
        m.Of("bytes_out", Scalar.Number, b => b.BytesOut))));

    /// <summary>Its form.</summary>
    public static readonly Codec<Traffic> Traffic = Codec.Object<Traffic>(m => new(
        m.Of("active", Scalar.Number, t => t.ActiveConnections),
        m.Of("rejected", Scalar.Number, t => t.RejectedConnections),
        m.Of("spliced_connections", Scalar.Number, t => t.SplicedConnections),
        m.Of("spliced_directions", Scalar.Number, t => t.SplicedDirections),
        m.Of("ended", Ended, t => t.Terminations),
        m.Of("backends", Backends, t => t.Backends)));
}
