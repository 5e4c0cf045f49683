using System.Net;
using System.Net.Sockets;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Integration.DataPlane;

/// <summary>Listeners belong to addresses: a reload opens and closes only what really changes.</summary>
public sealed class ListenerAddressSpecs
{
    [Fact]
    public void Two_services_that_swap_their_ports_swap_their_clients_and_no_socket_is_opened()
    {
        using var one = new Backend().Echoing();
        using var other = new Backend().Echoing();
        var (first, second) = (Ports.Free(), Ports.Free());
        using var fleet = new Fleet();
        fleet.Apply(Fleet.Table(1, "a", first, one), Fleet.Table(2, "b", second, other));
        var before = (Inodes(first), Inodes(second));

        fleet.Apply(Fleet.Table(1, "a", second, one), Fleet.Table(2, "b", first, other));
        fleet.Settle();
        Fleet.Echoed(second).Dispose();
        fleet.Until(() => Established(fleet, 1) == 1, "the first service has served the second port");
        Assert.Equal(0, Established(fleet, 2));
        Assert.Equal(before.Item1, Inodes(first));
        Assert.Equal(before.Item2, Inodes(second));
    }

    [Fact]
    public void A_renamed_service_keeps_its_sockets_and_goes_on()
    {
        using var backend = new Backend().Echoing();
        var port = Ports.Free();
        using var fleet = new Fleet();
        fleet.Apply(Fleet.Table(1, "a", port, backend));
        using var client = Fleet.Echoed(port);
        var before = Inodes(port);

        fleet.Apply(Fleet.Table(1, "renamed", port, backend));
        Fleet.Echoed(port).Dispose();
        client.Send("y"u8);
        client.Read(1);
        Assert.Equal(before, Inodes(port));
        Assert.Equal("renamed", fleet.Plane.Serving[0].Service);
    }

    [Fact]
    public void A_service_that_replaces_another_on_its_port_gets_its_sockets()
    {
        using var one = new Backend().Echoing();
        using var other = new Backend().Echoing();
        var port = Ports.Free();
        using var fleet = new Fleet();
        var old = Fleet.Table(1, "a", port, one);
        fleet.Apply(old);
        var before = Inodes(port);

        fleet.Apply(Fleet.Table(2, "b", port, other), Fleet.Removed(old));
        fleet.Until(() => fleet.IsIdle(1), "the backend of the old one is idle");
        Fleet.Echoed(port).Dispose();
        fleet.Until(() => Established(fleet, 2) == 1, "the new one serves");
        Assert.Equal(before, Inodes(port));
    }

    [Fact]
    public void Each_address_of_a_list_is_served_and_those_that_stay_are_not_touched()
    {
        using var backend = new Backend().Echoing();
        var port = Ports.Free();
        using var fleet = new Fleet();
        fleet.Apply(Fleet.Table(1, "a", On(port, "127.0.0.1", "127.0.0.2"), backend));
        Assert.All(new[] { "127.0.0.1", "127.0.0.2" }, address => Echoed(address, port));
        var before = Inodes(port, "127.0.0.2");

        fleet.Apply(Fleet.Table(1, "a", On(port, "127.0.0.3", "127.0.0.2"), backend));
        Assert.All(new[] { "127.0.0.2", "127.0.0.3" }, address => Echoed(address, port));
        fleet.Until(() => Inodes(port).Count == 0, "the address that was taken off the list is closed");
        Assert.Equal(before, Inodes(port, "127.0.0.2"));
    }

    [Fact]
    public void An_address_of_a_list_that_cannot_be_bound_refuses_all_and_changes_nothing()
    {
        using var backend = new Backend().Echoing();
        using var taken = new Backend("127.0.0.2");
        using var fleet = new Fleet();
        fleet.Apply(Fleet.Table(1, "a", On(Ports.Free(), "127.0.0.1"), backend));

        var config = LivePlane.ConfigOf(taken.Port);
        var refusal = fleet.Plane.Prepare(config with
        {
            Services = config.Services.Map(s => s with { Listener = On(taken.Port, "127.0.0.3", "127.0.0.2") }),
        });
        Assert.Contains($"127.0.0.2:{taken.Port}", refusal.Match(Right: _ => "", Left: p => p.WhatHappened));
        Assert.Empty(Inodes(taken.Port, "127.0.0.3"));
    }

    [Fact]
    public void Beside_the_wildcard_of_IPv4_that_of_IPv6_is_for_IPv6_alone()
    {
        if (!Socket.OSSupportsIPv6)
            return;
        using var backend = new Backend().Echoing();
        var port = Ports.Free();
        using var fleet = new Fleet();
        fleet.Apply(Fleet.Table(1, "a", On(port, "::"), backend));
        Assert.All(new[] { "127.0.0.1", "::1" }, address => Echoed(address, port));

        fleet.Apply(Fleet.Table(1, "a", On(port, "0.0.0.0", "::"), backend));
        fleet.Settle();
        Assert.All(new[] { "127.0.0.1", "::1" }, address => Echoed(address, port));

        fleet.Apply(Fleet.Table(1, "a", On(port, "0.0.0.0"), backend));
        fleet.Settle();
        Echoed("127.0.0.1", port);
        Assert.Throws<SocketException>(() => Echoed("::1", port));
    }

    [Fact]
    public void A_name_is_bound_with_all_its_addresses_and_not_looked_up_again()
    {
        IPAddress[] addresses = [IPAddress.Loopback, IPAddress.Parse("127.0.0.2")];
        var lookups = 0;
        using var backend = new Backend().Echoing();
        var port = Ports.Free();
        using var fleet = new Fleet(lookUp: _ =>
        {
            lookups++;
            return new NameAddresses(addresses, [IPAddress.Parse("2001:db8::1")]);
        });
        var named = Fleet.Table(1, "a", new Listener(new Host.Name("here.example"), port), backend);
        fleet.Apply(named);
        Assert.All(addresses, address => Echoed(address.ToString(), port));
        var before = Inodes(port);
        Assert.Contains("2001:db8::1", Assert.Single(fleet.Said).Message);

        fleet.Apply(named with { Service = named.Service with { Name = "renamed" } });
        fleet.Apply(Fleet.Table(1, "a", On(port, "127.0.0.1", "127.0.0.2"), backend));
        Assert.Equal(before, Inodes(port));
        Assert.Equal(1, lookups);
    }

    [Fact]
    public void A_name_with_an_address_that_cannot_be_bound_is_refused_and_looked_up_anew_next_time()
    {
        using var backend = new Backend().Echoing();
        var taken = new Backend("127.0.0.2");
        var lookups = 0;
        using var fleet = new Fleet(lookUp: _ =>
        {
            lookups++;
            return new NameAddresses([IPAddress.Loopback, IPAddress.Parse("127.0.0.2")], []);
        });
        var table = Fleet.Table(1, "a", new Listener(new Host.Name("here.example"), taken.Port), backend);
        var config = LivePlane.ConfigOf(taken.Port);
        config = config with { Services = Prelude.Array(table.Service) };
        Assert.True(fleet.Plane.Prepare(config).IsLeft);
        Assert.Empty(Inodes(taken.Port));

        var port = taken.Port;
        taken.Dispose();
        fleet.Apply(table);
        Assert.All(new[] { "127.0.0.1", "127.0.0.2" }, address => Echoed(address, port));
        Assert.Equal(2, lookups);
    }

    [Fact]
    public void A_name_that_is_the_address_of_another_service_is_refused_and_a_rehearsal_says_the_same()
    {
        using var one = new Backend().Echoing();
        using var other = new Backend().Echoing();
        var port = Ports.Free();
        using var fleet = new Fleet(lookUp: _ => new NameAddresses([IPAddress.Loopback], []));
        var served = Fleet.Table(1, "a", port, one);
        fleet.Apply(served);
        var before = Inodes(port);
        var overlapping = ConfigOf(
            served, Fleet.Table(2, "b", new Listener(new Host.Name("here.example"), port), other));

        var rehearsed = fleet.Plane.Rehearse(overlapping);
        var refused = fleet.Plane.Prepare(overlapping).Match(Right: _ => null!, Left: problem => problem);

        Assert.Equal(refused, rehearsed);
        Assert.Equal("listeners_overlap", refused.Code);
        Assert.Equal($"services a and b would both accept connections to 127.0.0.1:{port}", refused.WhatHappened);
        Assert.Equal(before, Inodes(port));
        Fleet.Echoed(port).Dispose();
        fleet.Until(() => Established(fleet, 1) == 1, "the service is served as before");
    }

    [Fact]
    public void A_rehearsal_asks_for_no_name_that_is_served_and_holds_no_address()
    {
        var lookups = 0;
        using var backend = new Backend().Echoing();
        using var fleet = new Fleet(lookUp: _ =>
        {
            lookups++;
            return new NameAddresses([IPAddress.Loopback], [IPAddress.Parse("2001:db8::1")]);
        });
        var named = Fleet.Table(1, "a", new Listener(new Host.Name("here.example"), Ports.Free()), backend);
        fleet.Apply(named);
        var said = fleet.Said.Count;
        var free = Fleet.Table(2, "b", Ports.Free(), backend);

        Assert.True(fleet.Plane.Rehearse(ConfigOf(named, free)).IsNone);
        Assert.Equal(1, lookups);
        Assert.Empty(Inodes(free.Service.Listener.Port));

        fleet.Apply(named, free);
        Assert.Equal(said, fleet.Said.Count);
    }

    [Fact]
    public void Of_a_name_the_addresses_of_a_family_that_this_machine_lacks_are_left_out()
    {
        var (v4, v6) = (IPAddress.Parse("192.0.2.1"), IPAddress.Parse("2001:db8::1"));
        var found = NameAddresses.Among([v6, v4]).Match(
            Right: names => names, Left: _ => throw new InvalidOperationException("none is usable"));
        var has = File.ReadLines("/proc/net/if_inet6").Any();

        Assert.Equal(has ? [v6, v4] : [v4], found.Usable);
        Assert.Equal(has ? [] : [v6], found.LeftOut);
        Assert.True(NameAddresses.Among([]).IsLeft);
    }

    [Fact]
    public void Sockets_of_another_process_serve_each_the_address_that_they_are_bound_to()
    {
        using var backend = new Backend().Echoing();
        using var fleet = new Fleet();
        var port = Ports.Free();
        var table = Fleet.Table(1, "a", On(port, "127.0.0.1", "127.0.0.2"), backend);
        int[] sockets = [.. new[] { "127.0.0.2", "127.0.0.1" }.SelectMany(address => ListenerSet.Open(
            new BoundAddress(IPAddress.Parse(address), port, false), 16, 1, 1).Match(
                Right: set => set.Descriptors, Left: p => throw new InvalidOperationException(p.ToText())))];
        var before = Inodes(port);

        fleet.Plane.Inherit(table.Service, sockets);
        fleet.Apply(table);
        Assert.All(new[] { "127.0.0.1", "127.0.0.2" }, address => Echoed(address, port));
        Assert.Superset(before.ToHashSet(), Inodes(port).ToHashSet());
    }

    private static BalConfig ConfigOf(params RoutingTable[] tables) =>
        LivePlane.ConfigOf(1) with { Services = new(tables.Select(table => table.Service)) };

    private static Listener On(int port, params string[] addresses) =>
        new(new Arr<Host>(addresses.Select(a => new Host.Address(IPAddress.Parse(a)))), port);

    private static IReadOnlySet<string> Inodes(int port, string address = "127.0.0.1") =>
        SocketTable.ListenersOn(new IPEndPoint(IPAddress.Parse(address), port));

    private static long Established(Fleet fleet, int backend) =>
        fleet.Plane.EstablishedByLoop(new(backend)).Sum();

    private static void Echoed(string address, int port)
    {
        var at = IPAddress.Parse(address);
        using var client = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp)
        {
            ReceiveTimeout = DataPlane.Sockets.PatienceMs,
        };
        client.Connect(at, port);
        client.Send("x"u8);
        client.Read(1);
    }
}
