using Bal.Domain.Balancing;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The form of a routing table.</summary>
internal static class TableCodec
{
    private static readonly Codec<Arr<Route>> Routes = Codec.List(Codec.Object<Route>(m => new(
        m.Of("id", Scalar.Id, r => r.Id),
        m.Of("endpoint", ConfigCodec.Backend, r => r.Config),
        m.Of("addresses", BackendCodec.Addresses, r => r.Addresses),
        m.Of("wants_success", Scalar.Flag, r => r.WantsSuccess))));

    private static readonly Codec<Arr<Backend.BackendId>> Ids = Codec.List(Scalar.Id);

    public static readonly Codec<RoutingTable> Table = Codec.Object<RoutingTable>(m => new(
        m.Of("version", Scalar.Total, t => t.Version),
        m.Of("service", Scalar.Text, t => t.Service),
        m.Of("up", Routes, t => t.Up),
        m.Of("cooling", Routes, t => t.Cooling),
        m.Of("down", Routes, t => t.Down),
        m.Of("protection", Scalar.Flag, t => t.Protection),
        m.Of("connect_timeout_ms", Scalar.Span, t => t.ConnectTimeout),
        m.Of("idle_timeout_ms", Scalar.Span, t => t.IdleTimeout),
        m.Of("max_concurrent_connections", Scalar.Count, t => t.MaxConcurrentConnections),
        m.Of("relay", ConfigCodec.Relay, t => t.Relay),
        m.Of("draining", Ids, t => t.Draining)));
}
