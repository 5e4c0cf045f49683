using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The form of a routing table.</summary>
internal static class TableCodec
{
    public static readonly Codec<Arr<System.Net.IPAddress>> Addresses = Codec.List(Scalar.Address);

    private static readonly Codec<Arr<BackendId>> Ids = Codec.List(Scalar.Id);

    private static readonly Codec<Arr<Route>> Routes = Codec.List(Codec.Object<Route>(
        (json, route) =>
        {
            json.Put("id", Scalar.Id, route.Id);
            json.Put("endpoint", ConfigCodec.Backend, route.Config);
            json.Put("addresses", Addresses, route.Addresses);
            json.Put("wants_success", Scalar.Flag, route.WantsSuccess);
        },
        json =>
            from id in json.Get("id", Scalar.Id)
            from endpoint in json.Get("endpoint", ConfigCodec.Backend)
            from addresses in json.Get("addresses", Addresses)
            from wants in json.Get("wants_success", Scalar.Flag)
            select new Route(id, endpoint, addresses, wants)));

    public static readonly Codec<RoutingTable> Table = Codec.Object<RoutingTable>(
        (json, table) =>
        {
            json.Put("version", Scalar.Total, table.Version);
            json.Put("service", Scalar.Text, table.Service);
            json.Put("up", Routes, table.Up);
            json.Put("cooling", Routes, table.Cooling);
            json.Put("down", Routes, table.Down);
            json.Put("protection", Scalar.Flag, table.Protection);
            json.Put("connect_timeout_ms", Scalar.Span, table.ConnectTimeout);
            json.Put("idle_timeout_ms", Scalar.Span, table.IdleTimeout);
            json.Put("max_concurrent_connections", Scalar.Count, table.MaxConcurrentConnections);
            json.Put("relay", ConfigCodec.Relay, table.Relay);
            json.Put("draining", Ids, table.Draining);
        },
        json =>
            from version in json.Get("version", Scalar.Total)
            from service in json.Get("service", Scalar.Text)
            from up in json.Get("up", Routes)
            from cooling in json.Get("cooling", Routes)
            from down in json.Get("down", Routes)
            from protection in json.Get("protection", Scalar.Flag)
            from connect in json.Get("connect_timeout_ms", Scalar.Span)
            from idle in json.Get("idle_timeout_ms", Scalar.Span)
            from limit in json.Get("max_concurrent_connections", Scalar.Count)
            from relay in json.Get("relay", ConfigCodec.Relay)
            from draining in json.Get("draining", Ids)
            select new RoutingTable(
                version, service, up, cooling, down, protection, connect, idle, limit, relay, draining));
}
