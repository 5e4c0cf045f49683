using System.Diagnostics;
using System.Net.Sockets;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using LanguageExt;

namespace Bal.Integration.DataPlane;

/// <summary>
/// Services on one address, told apart by the names of TLS clients (docs/behaviour.md, Names in TLS).
/// </summary>
public sealed class NameSpecs
{
    [Theory]
    [InlineData("www.example.org", 1)]
    [InlineData("WWW.EXAMPLE.ORG.", 1)]
    [InlineData("a.example.org", 2)]
    [InlineData("a.b.example.org", 3)]
    [InlineData("example.org", 3)]
    [InlineData("192.0.2.1", 3)]
    [InlineData(null, 3)]
    public void A_name_chooses_the_service_and_every_byte_is_passed_on(string? name, int service)
    {
        using var group = new Group(["www.example.org"], ["*.example.org"], []);
        byte[] sent = [.. Hello.For(name), .. "and what follows"u8];

        using var client = Sockets.Connect(group.Port);
        client.Send(sent);
        Assert.Equal(sent, client.Read(sent.Length));

        Assert.Equal(service, group.ServiceOfLast());
        // Counted where it was served, and nowhere else.
        Assert.Equal(
            [service], Enumerable.Range(1, 3).Where(i => group.Of(i, ServiceCounters.TotalConnections) == 1));
    }

    [Theory]
    [InlineData("chromium-156", 1)]
    [InlineData("openssl-tls13", 1)]
    [InlineData("curl", 1)]
    [InlineData("records-of-7", 1)]
    [InlineData("openssl-tls10", 2)]
    [InlineData("openssl-alpn", 2)]
    [InlineData("openssl-no-name", 3)]
    [InlineData("ssl-request", 3)]
    [InlineData("sslv2", 3)]
    [InlineData("http", 3)]
    public void What_clients_send_arrives_as_it_is_where_they_want_it(string captured, int service)
    {
        using var group = new Group(["www.example.org"], ["*.example.org"], []);
        var sent = Hello.Captured(captured);

        using var client = Sockets.Connect(group.Port);
        client.Send(sent);
        Assert.Equal(sent, client.Read(sent.Length));

        Assert.Equal(service, group.ServiceOfLast());
    }

    /// <summary>Its 98,304 bytes are more than a socket keeps by itself.</summary>
    [Fact]
    public void A_hello_of_16_KiB_may_have_each_byte_in_a_record_of_its_own()
    {
        using var group = new Group(["www.example.org"], []);
        var hello = Hello.For("www.example.org", 16_384 - 4 - Hello.For("www.example.org").Length + 9);
        var message = hello[5..];
        Assert.Equal(16_384, message.Length);
        byte[] sent = [.. message.SelectMany(b => (byte[])[22, 3, 1, 0, 1, b])];

        using var client = Sockets.Connect(group.Port);
        client.Send(sent);
        Assert.Equal(sent, client.Read(sent.Length));
        Assert.Equal(1, group.ServiceOfLast());
    }

    [Fact]
    public void A_hello_may_come_byte_by_byte_and_in_two_segments_and_be_as_long_as_16_KiB()
    {
        using var group = new Group(["www.example.org"], []);
        foreach (var (hello, piece) in new[]
        {
            (Hello.Captured("openssl-tls13"), 1), (Hello.Captured("records-of-7"), 1),
            (Hello.Captured("chromium-156"), 1_400), (Hello.For("www.example.org", 16_000), 1_000),
            (Hello.For("www.example.org", 16_250), 16_300),
        })
        {
            using var client = Sockets.Connect(group.Port);
            foreach (var part in hello.Chunk(piece))
            {
                client.Send(part);
                group.Fleet.Settle();
            }

            Assert.Equal(hello, client.Read(hello.Length));
            Assert.Equal(1, group.ServiceOfLast());
            // And then as before: no byte waits for others.
            client.Send("x"u8);
            Assert.Equal("x"u8, client.Read(1));
        }
    }

    [Fact]
    public void Who_has_said_nothing_within_3_s_is_one_without_a_name()
    {
        using var group = new Group(["www.example.org"], []);
        var hello = Hello.For("www.example.org");
        var since = Stopwatch.StartNew();
        using var silent = Sockets.Connect(group.Port);
        using var slow = Sockets.Connect(group.Port);
        slow.Send(hello.AsSpan(0, hello.Length - 1));

        group.Fleet.Until(() => group.Totals() is [0, 2], "both are given to the service without names");
        Assert.InRange(since.ElapsedMilliseconds, 2_900, long.MaxValue);
        silent.Send("x"u8);
        Assert.Equal("x"u8, silent.Read(1));
        slow.Send(hello.AsSpan(hello.Length - 1));
        Assert.Equal(hello, slow.Read(hello.Length));
    }

    [Fact]
    public void A_client_that_sends_its_last_byte_before_a_whole_hello_is_one_without_a_name()
    {
        using var group = new Group(["www.example.org"], []);
        foreach (var sent in new[] { [], Hello.For("www.example.org")[..40], "PING\r\n"u8.ToArray() })
        {
            using var client = Sockets.Connect(group.Port);
            client.Send(sent);
            client.Shutdown(SocketShutdown.Send);
            var ending = client.ReadToEnd();
            Assert.Equal(sent, ending.Bytes);
            Assert.False(ending.Reset);
        }

        Assert.Equal([0, 3], group.Totals());
    }

    [Fact]
    public void Where_every_service_has_names_another_client_is_reset_and_counted_with_the_first()
    {
        using var group = new Group(["www.example.org"], ["api.example.org"]);
        foreach (var sent in new[] { Hello.For("else.example.org"), Hello.For(null), "GET / HTTP/1.0\r\n"u8.ToArray() })
        {
            using var client = Sockets.Connect(group.Port);
            client.Send(sent);
            Assert.True(client.ReadToEnd().Reset);
        }

        Assert.Equal(3, group.Of(1, ServiceCounters.Of(Refusal.ServerName)));
        Assert.Equal(3, group.Of(1, ServiceCounters.Of(TerminationReason.RejectedServerName)));
        Assert.Equal(0, group.Of(2, ServiceCounters.Of(Refusal.ServerName)));
        group.Fleet.Until(() => group.Fleet.Events.Contains(
            new ControlEvent.ClientsRefused(new ServiceId(1), Refusal.ServerName, 3)), "it is told");
        group.SettlesAtNothing();
    }

    [Fact]
    public void A_service_that_has_the_address_to_itself_serves_its_names_only()
    {
        using var group = new Group(["www.example.org"]);
        using var served = group.Served("www.example.org");
        using var other = Sockets.Connect(group.Port);
        other.Send(Hello.For("api.example.org"));

        Assert.True(other.ReadToEnd().Reset);
    }

    [Fact]
    public void The_limit_is_that_of_the_service_chosen_and_who_has_yet_to_choose_takes_nothing_of_it()
    {
        using var group = new Group(table => Limited(table, table.Id.Value == 1 ? 2 : 1), ["www.example.org"], []);
        var undecided = Enumerable.Range(0, 5).Select(_ => Sockets.Connect(group.Port)).ToArray();
        group.Fleet.Until(() => group.Fleet.TrafficOf(2).Active == 5, "all of them are taken in");

        // None of the five is in the way of anybody.
        using var one = group.Served("www.example.org");
        using var two = group.Served("www.example.org");
        using var plain = Sockets.Connect(group.Port);
        plain.Send("x"u8);
        plain.Read(1);
        Assert.Equal((2, 6), (group.Fleet.TrafficOf(1).Active, group.Fleet.TrafficOf(2).Active));

        foreach (var client in undecided)
        {
            client.Send(Hello.For(client == undecided[0] ? "www.example.org" : "else.example.org"));
            Assert.True(client.ReadToEnd().Reset);
            client.Dispose();
        }

        Assert.Equal(1, group.Of(1, ServiceCounters.Of(Refusal.Limit)));
        Assert.Equal(1, group.Of(1, ServiceCounters.Of(TerminationReason.RejectedLimit)));
        Assert.Equal(4, group.Of(2, ServiceCounters.Of(Refusal.Limit)));
        foreach (var client in new[] { one, two, plain })
            client.Dispose();
        group.SettlesAtNothing();
    }

    [Fact]
    public void The_lists_are_those_of_the_service_chosen()
    {
        var own = new AccessRule(AccessList.None, AccessList.None with
        {
            Given = Loopback,
        });
        using var group = new Group(
            table => table.Id.Value == 2 ? table with { Service = table.Service with { Access = own } } : table,
            ["www.example.org"], []);

        using var served = group.Served("www.example.org");
        using var denied = Sockets.Connect(group.Port);
        denied.Send("x"u8);
        Assert.True(denied.ReadToEnd().Reset);

        Assert.Equal((0, 1), (
            group.Of(1, ServiceCounters.Of(Refusal.Denied)), group.Of(2, ServiceCounters.Of(Refusal.Denied))));
    }

    [Fact]
    public void What_one_client_may_have_is_counted_with_the_service_chosen()
    {
        using var group = new Group(
            table => table.Id.Value == 2 ? table : table with
            {
                Service = table.Service with { ClientLimits = new ClientLimits(1, Option<int>.None) },
            },
            ["www.example.org"], []);

        var one = group.Served("www.example.org");
        using (var other = Sockets.Connect(group.Port))
        {
            other.Send(Hello.For("www.example.org"));
            Assert.True(other.ReadToEnd().Reset);
        }

        using var plain = group.Served(null);
        using var another = group.Served(null);
        var counter = ServiceCounters.Of(Refusal.ClientLimit);
        Assert.Equal((1, 0), (group.Of(1, counter), group.Of(2, counter)));
        one.Dispose();
        group.Fleet.Until(() => group.Fleet.TrafficOf(1).Active == 0, "its place is free");
        group.Served("www.example.org").Dispose();
    }

    [Fact]
    public void A_client_that_goes_before_it_has_chosen_leaves_nothing_behind()
    {
        using var group = new Group(["www.example.org"], []);
        for (var i = 0; i < 20; i++)
        {
            var client = Sockets.Connect(group.Port);
            client.Send(Hello.For("www.example.org").AsSpan(0, 10 * (i % 3)));
            group.Fleet.Settle();
            client.Reset();
        }

        group.SettlesAtNothing();
        Assert.Equal([0, 0], group.Totals());
        Assert.Equal(20, group.Of(2, ServiceCounters.Of(TerminationReason.ClientAborted)));
    }

    [Fact]
    public void A_hello_before_a_reset_still_reaches_its_service()
    {
        using var group = new Group(["www.example.org"], []);
        var hello = Hello.For("www.example.org");
        var client = Sockets.Connect(group.Port);
        using (group.Fleet.Hold())
        {
            client.Send(hello);
            client.Reset();
        }

        group.Fleet.Until(
            () => group.Fleet.Plane.Measure().Backends.Filter(b => b.Backend == new BackendId(1)).Sum(b => b.BytesIn)
                == hello.Length,
            "it has arrived");
    }

    [Fact]
    public async Task Many_clients_at_once_each_get_their_service()
    {
        using var group = new Group(["www.example.org"], ["*.example.org"], []);
        string?[] names = ["www.example.org", "a.example.org", null];
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() =>
        {
            for (var n = 0; n < 60; n++)
                group.Served(names[(i + n) % 3]).Dispose();
        })));

        group.Fleet.Until(() => group.Totals() is [160, 160, 160], "each has been served where it wanted");
        group.SettlesAtNothing();
    }

    [Fact]
    public void Once_warm_a_loop_allocates_nothing_for_names()
    {
        using var group = new Group(1, table => table, ["www.example.org"], ["*.example.org"], []);
        var grown = long.MaxValue;
        for (var round = 0; round < 6 && grown > 0; round++)
        {
            var before = Allocated();
            for (var i = 0; i < 300; i++)
                group.Served((i % 3) switch { 0 => "www.example.org", 1 => "a.example.org", _ => null }).Dispose();
            group.SettlesAtNothing();
            grown = Allocated() - before;
        }

        Assert.Equal(0, grown);

        long Allocated()
        {
            var bytes = -1L;
            group.Fleet.Plane.OnEveryLoop(() => Volatile.Write(ref bytes, GC.GetAllocatedBytesForCurrentThread()));
            group.Fleet.Until(() => Volatile.Read(ref bytes) >= 0, "the loop has answered");
            return bytes;
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(11)]
    [InlineData(4_096)]
    public void A_hello_may_come_behind_a_PROXY_header_and_its_client_is_judged_by_the_service_chosen(int piece)
    {
        var deny = new AccessRule(AccessList.None, AccessList.None with
        {
            Given = NetworkSet.Of([new Network(false, 0x0a01_0203, 0x0a01_0203)]),
        });
        using var group = new Group(
            table => table with
            {
                Service = table.Service with
                {
                    Proxy = ProxyProtocol.Off with { AcceptFrom = new TrustedPeers(Loopback, Unix: false) },
                    Access = table.Id.Value == 2 ? deny : AccessRule.Everybody,
                },
            },
            ["www.example.org"], []);
        var hello = Hello.For("www.example.org");
        using var client = Sockets.Connect(group.Port);
        SendInPieces(client, [.. "PROXY TCP4 10.1.2.3 10.9.9.9 40000 443\r\n"u8, .. hello]);
        Assert.Equal(hello, client.Read(hello.Length));
        Assert.Equal(1, group.ServiceOfLast());

        using var denied = Sockets.Connect(group.Port);
        SendInPieces(denied, [.. "PROXY TCP4 10.1.2.3 10.9.9.9 40000 443\r\n"u8, .. Hello.For("else.example.org")]);
        Assert.True(denied.ReadToEnd().Reset);
        Assert.Equal(1, group.Of(2, ServiceCounters.Of(Refusal.Denied)));

        using var without = Sockets.Connect(group.Port);
        without.Send(hello);
        Assert.True(without.ReadToEnd().Reset);
        Assert.Equal(1, group.Of(2, ServiceCounters.Of(Refusal.ProxyHeader)));

        // Whoever connects for its own sake is exempt from lists.
        using var local = Sockets.Connect(group.Port);
        SendInPieces(local, [.. "\r\n\r\n\0\r\nQUIT\n"u8, 0x20, 0, 0, 0, .. "PING"u8]);
        Assert.Equal("PING"u8, local.Read(4));
        client.Dispose();
        local.Dispose();
        group.SettlesAtNothing();

        void SendInPieces(Socket socket, byte[] bytes)
        {
            foreach (var part in bytes.Chunk(piece))
                socket.Send(part);
        }
    }

    private static NetworkSet Loopback => NetworkSet.Of([new Network(false, 0x7f00_0000, 0x7fff_ffff)]);

    private static RoutingTable Limited(RoutingTable table, int limit) => table with
    {
        Service = table.Service with { Tuning = table.Service.Tuning with { MaxConcurrentConnections = limit } },
    };
}
