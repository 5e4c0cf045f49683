using System.Net.Sockets;
using Bal.Domain.Admission;
using Bal.Domain.Counting;
using Bal.Domain.Relay;
using LanguageExt;
using static Bal.Integration.DataPlane.ProxyProtocolSpecs;

namespace Bal.Integration.DataPlane;

/// <summary>Between the accept and the end of its PROXY header a client is a connection like any other.</summary>
public sealed class GreetingSpecs
{
    private static readonly InetEndpoint Client = InetEndpoint.Of([10, 1, 2, 3], 40_000);
    private static readonly InetEndpoint Server = InetEndpoint.Of([10, 9, 9, 9], 443);

    [Fact]
    public void Hundreds_of_headers_that_come_byte_by_byte_are_each_read_as_they_are()
    {
        const int Clients = 300;
        const int AtOnce = 50;
        using var backend = new Backend().Echoing();
        using var plane = Plane(Trust("127.0.0.1"), backend);
        for (var begun = 0; begun < Clients; begun += AtOnce)
        {
            Socket[] clients = [.. Enumerable.Range(0, AtOnce).Select(_ => plane.Client())];
            var headers = clients.Select((_, i) =>
                Header(i % 2 == 0 ? ProxyVersion.V1 : ProxyVersion.V2, Client, Server)).ToArray();
            for (var at = 0; at < headers.Max(header => header.Length); at++)
            {
                for (var i = 0; i < clients.Length; i++)
                {
                    if (at < headers[i].Length)
                        clients[i].Send([headers[i][at]]);
                }
            }

            for (var i = 0; i < clients.Length; i++)
            {
                clients[i].Send([(byte)i]);
                Assert.Equal([(byte)i], clients[i].Read(1));
                clients[i].Dispose();
            }
        }

        plane.UntilEnded(TerminationReason.Completed, Clients);
    }

    [Fact]
    public void Whoever_does_not_come_to_an_end_counts_for_the_limit_until_it_is_reset_after_3_s()
    {
        const int Limit = 400;
        using var backend = new Backend().Echoing();
        using var plane = Plane(Trust("127.0.0.1"), backend);
        plane.Tune(t => t with { MaxConcurrentConnections = Limit });
        var silent = new Socket[Limit];
        for (var i = 0; i < Limit; i++)
        {
            silent[i] = plane.Client();
            if (i % 2 == 0)
                silent[i].Send(i % 4 == 0 ? "PROXY TCP4 1."u8 : "\r\n\r\n\0\r\nQUIT\n\x21\x11"u8);
        }

        using (var tooMuch = plane.Client())
            Assert.True(tooMuch.ReadToEnd().Reset);
        Assert.Equal(1, plane.Plane.Measure().Of(ServiceCounters.Of(Refusal.Limit)));
        Assert.All(silent, client => Assert.True(client.ReadToEnd().Reset));

        plane.Until(() => plane.Open == 0, "every one has ended");
        Assert.Equal(Limit, plane.Plane.Measure().Of(ServiceCounters.Of(Refusal.ProxyHeader)));
        using var next = plane.Client();
        next.Send([.. Header(ProxyVersion.V2, Client, Server), (byte)'x']);
        Assert.Equal("x"u8, next.Read(1));
    }

    [Fact]
    public void What_a_client_sent_before_its_RST_is_delivered_although_it_had_yet_to_say_who_it_is()
    {
        using var backend = new Backend();
        using var plane = Plane(Trust("127.0.0.1") with { Send = ProxyVersion.V1 }, backend);
        var client = plane.Client();
        plane.Until(() => plane.Open == 1, "it is accepted");
        using (plane.Hold())
        {
            client.Send([.. Header(ProxyVersion.V2, Client, Server), .. "last words"u8]);
            client.Reset();
        }

        using var served = backend.Accept();
        var got = served.ReadToEnd();

        byte[] expected = [.. Header(ProxyVersion.V1, Client, Server), .. "last words"u8];
        Assert.Equal(expected, got.Bytes);
        Assert.True(got.Reset);
        plane.UntilEnded(TerminationReason.ClientReset);
    }

    [Theory]
    [InlineData("")]
    [InlineData("PROXY TCP4 1.2.3.4")]
    [InlineData("PROXY UNKNOWN\r\n")]
    public void Whoever_resets_and_has_said_nothing_to_a_backend_meets_none(string said)
    {
        using var backend = new Backend();
        using var plane = Plane(Trust("127.0.0.1"), backend);
        var client = plane.Client();
        plane.Until(() => plane.Open == 1, "it is accepted");
        using (plane.Hold())
        {
            client.Send(System.Text.Encoding.ASCII.GetBytes(said));
            client.Reset();
        }

        plane.UntilEnded(TerminationReason.ClientAborted);
        Assert.Equal(0, plane.Plane.Measure().Of(ServiceCounters.Of(Refusal.ProxyHeader)));
        Assert.Equal(0, plane.Plane.Measure().Backends[0].Total);
    }

    [Fact]
    public void An_urgent_byte_behind_a_header_is_relayed_in_its_place()
    {
        using var backend = new Backend();
        using var plane = Plane(Trust("127.0.0.1"), backend);
        using var client = plane.Client();
        client.Send([.. Header(ProxyVersion.V2, Client, Server), .. "abc"u8]);
        client.Send("!"u8, SocketFlags.OutOfBand);
        client.Send("def"u8);
        using var served = backend.Accept();
        Assert.Equal("abc!def"u8, served.Read(7));
    }

    [Fact]
    public void After_a_stop_it_is_served_and_cut_like_the_others()
    {
        using var backend = new Backend().Echoing();
        using var plane = Plane(Trust("127.0.0.1"), backend);
        using var client = plane.Client();
        using var silent = plane.Client();
        plane.Until(() => plane.Open == 2, "both are accepted");
        plane.Plane.StopAccepting();
        plane.Settle();

        client.Send([.. Header(ProxyVersion.V1, Client, Server), (byte)'x']);
        Assert.Equal("x"u8, client.Read(1));
        plane.Plane.Cut(1);
        Assert.True(client.ReadToEnd().Reset);
        Assert.True(silent.ReadToEnd().Reset);
        plane.UntilEnded(TerminationReason.Cut, 2);
    }

    [Fact]
    public void A_service_that_is_removed_meanwhile_serves_it()
    {
        using var backend = new Backend().Echoing();
        var port = Ports.Free();
        using var fleet = new Fleet(1);
        var table = Fleet.Table(1, "a", port, backend);
        table = table with { Service = table.Service with { Proxy = Trust("127.0.0.1") } };
        fleet.Apply(table);
        using var client = Sockets.Connect(port);
        fleet.Until(() => fleet.TrafficOf(1).Active == 1, "it is accepted");

        fleet.Apply(Fleet.Removed(table));
        fleet.Settle();
        Assert.False(fleet.IsIdle(1));
        client.Send([.. Header(ProxyVersion.V1, Client, Server), (byte)'x']);
        Assert.Equal("x"u8, client.Read(1));
        client.Dispose();
        fleet.Until(() => fleet.IsIdle(1), "the backend is idle");
    }

    [Fact]
    public void A_reload_meanwhile_changes_the_lists_for_it_but_not_whether_it_is_believed()
    {
        using var backend = new Backend();
        using var plane = Plane(Trust("127.0.0.1"), backend);
        using var denied = plane.Client();
        using var allowed = plane.Client();
        plane.Until(() => plane.Open == 2, "both are accepted");
        plane.Publish(t => t with
        {
            Service = t.Service with
            {
                Proxy = Trust("192.0.2.0/24"),
                Access = AccessRule.Everybody with { Deny = List("10.1.0.0/16") },
            },
        });

        denied.Send(Header(ProxyVersion.V1, Client, Server));
        Assert.True(denied.ReadToEnd().Reset);
        Assert.Equal(1, plane.Plane.Measure().Of(ServiceCounters.Of(Refusal.Denied)));
        allowed.Send([.. Header(ProxyVersion.V1, Server, Server), .. "x"u8]);
        using var served = backend.Accept();
        Assert.Equal("x"u8, served.Read(1));
    }

    [Fact]
    public void Limits_for_each_client_count_whom_the_header_names_and_not_LOCAL()
    {
        using var backend = new Backend().Echoing();
        using var plane = Plane(Trust("127.0.0.1"), backend);
        // Accepted before there was a limit, and known after it.
        using var first = plane.Client();
        plane.Until(() => plane.Open == 1, "it is accepted");
        plane.Publish(t => t with
        {
            Service = t.Service with { ClientLimits = ClientLimits.None with { Connections = 1 } },
        });

        Assert.True(IsServed(first, Header(ProxyVersion.V1, Client, Server)));
        using var second = plane.Client();
        Assert.False(IsServed(second, Header(ProxyVersion.V2, Client with { Port = 1 }, Server)));
        using var other = plane.Client();
        Assert.True(IsServed(other, Header(ProxyVersion.V2, Server, Server)));
        // The peer itself counts where the header names nobody.
        using var unknown = plane.Client();
        Assert.True(IsServed(unknown, "PROXY UNKNOWN\r\n"u8));
        using var again = plane.Client();
        Assert.False(IsServed(again, "PROXY UNKNOWN\r\n"u8));
        for (var i = 0; i < 3; i++)
            Assert.True(IsServed(plane.Client(), Local()));
        Assert.Equal(2, plane.Plane.Measure().Of(ServiceCounters.Of(Refusal.ClientLimit)));
    }

    private static bool IsServed(Socket client, ReadOnlySpan<byte> header)
    {
        client.Send([.. header, (byte)'x']);
        var answer = new byte[1];
        try
        {
            return client.Receive(answer) == 1;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return false;
        }
    }
}
