using System.Net;
using System.Net.Sockets;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Counting;
using Bal.Domain.Reports;
using Bal.Infrastructure.DataPlane;
using LanguageExt;

namespace Bal.Integration.DataPlane;

/// <summary>What operators see of open connections, and the ends that they order.</summary>
public sealed class SessionWalkSpecs
{
    [Fact]
    public void The_first_ones_in_any_order_are_those_of_all_loops()
    {
        const int Clients = 300;
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(4, backend.Port);
        var clients = Enumerable.Range(0, Clients).Select(_ => plane.Client()).ToArray();
        for (var i = 0; i < Clients; i++)
        {
            clients[i].Send(new byte[1 + i]);
            clients[i].Read(1 + i);
        }

        plane.UntilEstablished(Clients);

        var most = Walked(plane, new() { Sort = SessionSort.Bytes, Most = 10 });
        Assert.Equal(Clients, most.Sum(walk => walk.Total));
        Assert.Equal(
            clients.Reverse().Take(10).Select(client => client.LocalEndPoint!.ToString()),
            most.SelectMany(walk => walk.First).OrderByDescending(one => one.Rank).Take(10)
                .Select(one => one.Record.Client.ToString()));
        var one = most.SelectMany(walk => walk.First).MaxBy(one => one.Rank);
        Assert.Equal((Clients, Clients), (one.Record.BytesIn, one.Record.BytesOut));
        Assert.Equal($"127.0.0.1:{plane.Port}", one.Record.Listener.ToString());
        Assert.All(most, walk => Assert.InRange(walk.First.Count(), 0, 10));
        Array.ForEach(clients, client => client.Dispose());
    }

    [Fact]
    public void The_connections_of_a_network_are_reset_and_no_others()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(3, backend.Port);
        var meant = Enumerable.Range(0, 200).Select(i => From($"127.0.1.{1 + i}", plane.Port)).ToArray();
        var others = Enumerable.Range(0, 50).Select(i => From($"127.0.2.{1 + i}", plane.Port)).ToArray();
        plane.UntilEstablished(250);

        var ended = Ended(plane, new(Option<BackendId>.None, Network("127.0.1.0", "127.0.1.255")));

        Assert.Equal(200, ended);
        Assert.All(meant, client => Assert.True(client.ReadToEnd().Reset));
        Assert.All(others, client =>
        {
            client.Send("x"u8);
            client.Read(1);
            client.Dispose();
        });
        plane.Until(() => plane.Open == 0, "every session has ended");
        Assert.Equal(200, plane.Plane.Measure().Of(ServiceCounters.Of(TerminationReason.SessionsReset)));
    }

    [Fact]
    public void The_connections_of_a_backend_are_reset_those_that_are_being_connected_as_well()
    {
        using var one = new Backend().Echoing();
        using var two = new Backend().Echoing();
        using var silent = new Silent();
        using var plane = new LivePlane(2, one.Port, two.Port, silent.Port);
        var clients = Enumerable.Range(0, 30).Select(_ => plane.Client()).ToArray();
        plane.UntilEstablished(20);

        Assert.Equal(10, Ended(plane, SessionChoice.Of(new BackendId(1))));
        Assert.Equal(10, Ended(plane, SessionChoice.Of(new BackendId(3))));

        Assert.Equal(10, plane.Open);
        Array.ForEach(clients, client => client.Dispose());
        plane.Until(() => plane.Open == 0, "every session has ended");
        Assert.Equal(20, plane.Plane.Measure().Of(ServiceCounters.Of(TerminationReason.SessionsReset)));
    }

    private static IReadOnlyList<SessionWalk> Walked(LivePlane plane, SessionWalkOrder order)
    {
        IReadOnlyList<SessionWalk>? walked = null;
        plane.Plane.Walk(
            done => new SessionWalk(done) { Sort = order.Sort, Most = order.Most, Ends = order.Ends },
            walks => walked = walks);
        plane.Until(() => walked is not null, "every loop has looked at its sessions");
        return walked!;
    }

    private static long Ended(LivePlane plane, SessionChoice meant) =>
        Walked(plane, new() { Ends = meant }).Sum(walk => walk.Ended);

    private static Socket From(string address, int port)
    {
        var client = Sockets.New();
        client.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        client.Connect(IPAddress.Loopback, port);
        return client;
    }

    private static NetworkSet Network(string first, string last) =>
        NetworkSet.Of([new Network(false, Number(first), Number(last))]);

    private static UInt128 Number(string address) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(IPAddress.Parse(address).GetAddressBytes());

    private sealed record SessionWalkOrder
    {
        public SessionSort Sort { get; init; } = SessionSort.Recent;

        public int Most { get; init; }

        public SessionChoice? Ends { get; init; }
    }
}
