using System.Net;
using System.Net.Sockets;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Integration.DataPlane;

/// <summary>Reloads of services that share an address (docs/behaviour.md, Names in TLS).</summary>
public sealed class NameReloadSpecs
{
    [Fact]
    public void Services_of_an_address_come_and_go_and_its_sockets_stay()
    {
        using var group = new Group(["www.example.org"], []);
        var sockets = Inodes(group.Port);
        Assert.Equal(2, sockets.Count);
        using var open = group.Served("www.example.org");

        var api = group.Table(3, "api.example.org");
        group.Fleet.Apply([.. group.Tables, api]);
        group.Served("api.example.org").Dispose();
        Assert.Equal(1, Total(group, 3));

        group.Fleet.Apply(group.Tables[0], group.Tables[1], Fleet.Removed(api));
        group.Served("api.example.org").Dispose();
        Assert.Equal((1, 1), (Total(group, 3), Total(group, 2)));

        // The one without names goes, so that its clients are nobody's.
        group.Fleet.Apply(group.Tables[0], Fleet.Removed(group.Tables[1]), Fleet.Removed(api));
        using var nobody = Sockets.Connect(group.Port);
        nobody.Send("x"u8);
        Assert.True(nobody.ReadToEnd().Reset);
        Assert.Equal(1, group.Of(1, ServiceCounters.Of(Refusal.ServerName)));

        // And back to one that has the address to itself.
        group.Fleet.Apply(Group.Named(group.Tables[0]), Fleet.Removed(group.Tables[1]), Fleet.Removed(api));
        Assert.True(SpinWait.SpinUntil(() => IsServed(group), TimeSpan.FromSeconds(20)), "nobody is served");
        Assert.Equal(sockets, Inodes(group.Port));
        open.Send("x"u8);
        open.Read(1);
    }

    [Fact]
    public void A_name_that_moves_takes_with_it_who_has_yet_to_say_it()
    {
        using var group = new Group(["www.example.org"], ["api.example.org"], []);
        using var undecided = Sockets.Connect(group.Port);
        group.Fleet.Until(() => group.Fleet.TrafficOf(3).Active == 1, "it is taken in");

        group.Fleet.Apply(
            Group.Named(group.Tables[0], "api.example.org"), Group.Named(group.Tables[1], "www.example.org"),
            group.Tables[2]);
        var hello = Hello.For("www.example.org");
        undecided.Send(hello);
        undecided.Read(hello.Length);

        Assert.Equal([0, 1, 0], group.Totals());
        Assert.Equal((1, 0), (group.Fleet.TrafficOf(2).Active, group.Fleet.TrafficOf(3).Active));
    }

    [Fact]
    public void Whoever_came_before_an_address_was_left_still_gets_what_it_asks_for()
    {
        using var group = new Group(["www.example.org"], []);
        using var undecided = Sockets.Connect(group.Port);
        group.Fleet.Until(() => group.Fleet.TrafficOf(2).Active == 1, "it is taken in");
        var steady = Group.Named(group.Table(3, Ports.Free()));

        group.Fleet.Apply([.. group.Tables.Select(Fleet.Removed), steady]);
        group.Fleet.Until(() => Inodes(group.Port).Count == 0, "the listeners are closed");
        group.Fleet.Settle();
        Assert.False(group.Fleet.IsIdle(1));

        var hello = Hello.For("www.example.org");
        undecided.Send(hello);
        undecided.Read(hello.Length);
        Assert.Equal([1, 0], group.Totals());
        group.Fleet.Until(() => group.Fleet.IsIdle(2), "the other one is left");
        Assert.False(group.Fleet.IsIdle(1));

        undecided.Dispose();
        group.Fleet.Until(() => group.Fleet.IsIdle(1), "it has ended, and its backend is left");
    }

    [Fact]
    public void A_removed_service_that_nobody_has_chosen_is_left_at_once_and_its_place_used_again()
    {
        using var group = new Group(["www.example.org"], []);
        using var undecided = Sockets.Connect(group.Port);
        group.Fleet.Until(() => group.Fleet.TrafficOf(2).Active == 1, "it is taken in");

        group.Fleet.Apply(Fleet.Removed(group.Tables[0]), group.Tables[1]);
        group.Fleet.Until(() => group.Fleet.IsIdle(1), "its backend is left");
        group.Fleet.Plane.Forget(new BackendId(1));
        group.Fleet.Plane.ForgetService(new ServiceId(1));
        group.Fleet.Settle();
        var other = group.Table(3, Ports.Free());
        group.Fleet.Apply(group.Tables[1], other);

        // The name is nobody's any more, so it is that of the service without names.
        var hello = Hello.For("www.example.org");
        undecided.Send(hello);
        undecided.Read(hello.Length);
        Assert.Equal(1, Total(group, 2));
        Assert.Equal(0, Total(group, 3));
    }

    [Fact]
    public void Each_address_has_the_names_of_its_own_services()
    {
        using var group = new Group([[]]);
        var both = group.Tables[0].Service.Listener with
        {
            Addresses = Prelude.Array<Host>(
                new Host.Address(IPAddress.Loopback), new Host.Address(IPAddress.Parse("127.0.0.2"))),
        };
        var named = group.Table(2, "www.example.org");
        named = named with { Service = named.Service with { Listener = both } };
        var second = group.Table(3);
        second = second with
        {
            Service = second.Service with
            {
                Listener = new Listener(new Host.Address(IPAddress.Parse("127.0.0.2")), group.Port),
            },
        };
        group.Fleet.Apply(group.Tables[0], named, second);

        foreach (var (address, name) in new[]
        {
            ("127.0.0.1", "www.example.org"), ("127.0.0.2", "www.example.org"), ("127.0.0.1", "x"), ("127.0.0.2", "x"),
        })
        {
            using var client = Sockets.New();
            client.Connect(IPAddress.Parse(address), group.Port);
            var hello = Hello.For(name);
            client.Send(hello);
            client.Read(hello.Length);
        }

        Assert.Equal((1, 2, 1), (Total(group, 1), Total(group, 2), Total(group, 3)));
    }

    [Fact]
    public void What_only_a_lookup_shows_to_be_one_address_is_refused_with_the_reason_or_shared()
    {
        using var fleet = new Fleet(
            lookUp: _ => new Bal.Infrastructure.DataPlane.NameAddresses([IPAddress.Loopback], []));
        using var backend = new Backend().Echoing();
        var port = Ports.Free();
        var one = Group.Named(Fleet.Table(1, "a", port, backend), "a.test");
        var named = new Listener(new Host.Name("here.example"), port);
        var other = Group.Named(Fleet.Table(2, "b", named, backend), "b.test");
        fleet.Apply(one, other);

        Assert.Equal(
            $"server_name_taken: services a and b both listen on 127.0.0.1:{port} and both have the server name a.test",
            Refused(Group.Named(other, "a.test")));
        Assert.Equal(
            $"listener_keys_differ: services a and b both listen on 127.0.0.1:{port} and differ in runtime.tcp_backlog "
            + "(1024 and 7)",
            Refused(other with
            {
                Service = other.Service with { Tuning = other.Service.Tuning with { Backlog = 7 } },
            }));

        string Refused(RoutingTable table)
        {
            var config = LivePlane.ConfigOf(1) with { Services = Prelude.Array(one.Service, table.Service) };
            var rehearsed = fleet.Plane.Rehearse(config);
            var refused = fleet.Plane.Prepare(config).Match(Right: _ => null!, Left: problem => problem);
            Assert.Equal(refused, rehearsed);
            return $"{refused.Code}: {refused.WhatHappened}";
        }
    }

    [Fact]
    public void Sockets_of_another_process_serve_all_services_of_their_address()
    {
        using var group = new Group();
        var (www, rest) = (group.Table(1, "www.example.org"), group.Table(2));
        var sockets = Bal.Infrastructure.DataPlane.ListenerSet.Open(
            new(IPAddress.Loopback, group.Port, false), 16, 1, 1).Match(
                Right: set => set.Descriptors, Left: p => throw new InvalidOperationException(p.ToText()));
        var before = Inodes(group.Port);

        group.Fleet.Plane.Inherit(www.Service, sockets);
        group.Fleet.Apply(www, rest);
        group.Served("www.example.org").Dispose();
        group.Served(null).Dispose();

        Assert.Equal((1, 1), (Total(group, 1), Total(group, 2)));
        Assert.Superset(before.ToHashSet(), Inodes(group.Port).ToHashSet());
        // Both are handed over, whoever has the sockets.
        Assert.Equal(["s1", "s2"], group.Fleet.Plane.Serving.Select(s => s.Service).Order());
        Assert.Equal(2, group.Fleet.Plane.Serving.Sum(s => s.Sockets.Length));
    }

    private static long Total(Group group, int service) => group.Fleet.Plane.EstablishedByLoop(new(service)).Sum();

    private static IReadOnlySet<string> Inodes(int port) =>
        SocketTable.ListenersOn(new IPEndPoint(IPAddress.Loopback, port));

    // A loop takes what is published when it looks; until then clients are still nobody's.
    private static bool IsServed(Group group)
    {
        try
        {
            group.Served(null).Dispose();
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return false;
        }
    }
}
