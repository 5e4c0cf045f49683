using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Bal.Domain.Admission;
using Bal.Domain.Config;
using Bal.Domain.Counting;
using Bal.Domain.Relay;

namespace Bal.Integration.DataPlane;

/// <summary>Headers of the PROXY protocol before the bytes of a connection, both ways, by real sockets.</summary>
public sealed class ProxyProtocolSpecs
{
    private static readonly InetEndpoint Client = InetEndpoint.Of([10, 1, 2, 3], 40_000);
    private static readonly InetEndpoint Server = InetEndpoint.Of([10, 9, 9, 9], 443);

    public static TheoryData<ProxyVersion, RelayMode, int> Ways()
    {
        var ways = new TheoryData<ProxyVersion, RelayMode, int>();
        foreach (var version in new[] { ProxyVersion.V1, ProxyVersion.V2 })
        {
            foreach (var relay in Enum.GetValues<RelayMode>())
            {
                // A byte at a time, in parts that end somewhere, and header and data in one segment.
                foreach (var part in new[] { 1, 7, 4_096 })
                    ways.Add(version, relay, part);
            }
        }

        return ways;
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void The_backend_gets_the_header_of_the_client_and_then_its_bytes(
        ProxyVersion version, RelayMode relay, int part)
    {
        using var backend = new Backend();
        using var plane = Plane(Trust("127.0.0.0/8") with { Send = ProxyVersion.V2 }, backend);
        plane.Tune(t => t with { Relay = relay });
        byte[] data = [.. Enumerable.Range(0, 300).Select(i => (byte)i)];
        byte[] sent = [.. Header(version, Client, Server), .. data];

        using var client = plane.Client();
        for (var i = 0; i < sent.Length; i += part)
            client.Send(sent.AsSpan(i, Math.Min(part, sent.Length - i)));
        client.Shutdown(SocketShutdown.Send);
        using var served = backend.Accept();

        byte[] expected = [.. Header(ProxyVersion.V2, Client, Server), .. data];
        Assert.Equal(expected, served.ReadToEnd().Bytes);
        served.Send("answer"u8);
        served.Shutdown(SocketShutdown.Send);
        Assert.Equal("answer", Encoding.ASCII.GetString(client.ReadToEnd().Bytes));
        plane.UntilEnded(TerminationReason.Completed);
        // The header is no byte of the client.
        Assert.Equal(data.Length, plane.Plane.Measure().Backends[0].BytesIn);
    }

    [Theory]
    [InlineData(ProxyVersion.V1)]
    [InlineData(ProxyVersion.V2)]
    public void The_header_goes_out_before_the_client_has_said_anything(ProxyVersion version)
    {
        using var backend = new Backend();
        using var plane = Plane(ProxyProtocol.Off with { Send = version }, backend);

        using var client = plane.Client();
        using var served = backend.Accept();

        var (own, far) = ((IPEndPoint)client.LocalEndPoint!, (IPEndPoint)client.RemoteEndPoint!);
        var header = Header(
            version, InetEndpoint.Of(own.Address.GetAddressBytes(), own.Port),
            InetEndpoint.Of(far.Address.GetAddressBytes(), far.Port));
        Assert.Equal(header, served.Read(header.Length));
        // And the backend may speak first.
        served.Send("hello"u8);
        Assert.Equal("hello", Encoding.ASCII.GetString(client.Read(5)));
    }

    [Fact]
    public void A_backend_of_its_own_mind_gets_what_it_wants()
    {
        using var plain = new Backend();
        using var other = new Backend();
        using var plane = Plane(ProxyProtocol.Off with { Send = ProxyVersion.V2 }, plain, other);
        plane.Publish(t => t with
        {
            Up = t.Up.Map(route => route.Id.Value == 1
                ? route with { Config = route.Config with { ProxyProtocol = ProxyVersion.None } }
                : route),
        });
        var first = new HashSet<byte>();
        foreach (var backend in new[] { plain, other })
        {
            using var client = plane.Client();
            client.Send("x"u8);
            using var served = backend.Accept();
            first.Add(served.Read(1)[0]);
        }

        Assert.Equal([(byte)'\r', (byte)'x'], first.Order());
    }

    [Fact]
    public void Whoever_is_not_trusted_is_who_it_is_and_its_header_is_data()
    {
        using var backend = new Backend();
        using var plane = Plane(Trust("10.0.0.0/8"), backend);
        var header = Header(ProxyVersion.V2, Client, Server);

        using var client = plane.Client();
        client.Send(header);
        using var served = backend.Accept();

        Assert.Equal(header, served.Read(header.Length));
    }

    [Fact]
    public void Lists_judge_the_client_that_the_header_names_and_leave_LOCAL_alone()
    {
        using var backend = new Backend();
        using var plane = Plane(Trust("127.0.0.1"), backend);
        plane.Publish(t => t with
        {
            Service = t.Service with { Access = AccessRule.Everybody with { Deny = List("10.1.0.0/16", "127.0.0.1") } },
        });

        using (var denied = plane.Client())
        {
            denied.Send(Header(ProxyVersion.V1, Client, Server));
            Assert.True(denied.ReadToEnd().Reset);
        }

        Assert.Equal(1, plane.Plane.Measure().Of(ServiceCounters.Of(Refusal.Denied)));
        plane.UntilEnded(TerminationReason.RejectedDenied);
        using var allowed = plane.Client();
        allowed.Send([.. Header(ProxyVersion.V1, InetEndpoint.Of([10, 2, 0, 1], 1), Server), .. "a"u8]);
        using var one = backend.Accept();
        Assert.Equal("a"u8, one.Read(1));
        using var local = plane.Client();
        local.Send([.. Local(), .. "b"u8]);
        using var other = backend.Accept();
        Assert.Equal("b"u8, other.Read(1));
    }

    [Fact]
    public void LOCAL_goes_on_as_LOCAL()
    {
        using var backend = new Backend();
        using var plane = Plane(Trust("127.0.0.1") with { Send = ProxyVersion.V2 }, backend);
        using var client = plane.Client();
        client.Send(Local());
        using var served = backend.Accept();
        Assert.Equal(Local(), served.Read(16));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("PROXY TCP4 1.2.3.4\r\n")]
    [InlineData("\r\n\r\n\0\r\nQUIT\nxxxx")]
    public void What_is_no_header_is_reset_at_once_and_counted(string said)
    {
        using var backend = new Backend();
        using var plane = Plane(Trust("127.0.0.1"), backend);
        using var client = plane.Client();
        client.Send(Encoding.ASCII.GetBytes(said));

        Assert.True(client.ReadToEnd().Reset);

        Assert.Equal(1, plane.Plane.Measure().Of(ServiceCounters.Of(Refusal.ProxyHeader)));
        plane.UntilEnded(TerminationReason.RejectedProxyHeader);
        Assert.Equal(0, plane.Open);
    }

    [Fact]
    public void A_header_that_ends_in_the_middle_is_reset_and_silence_is_reset_after_a_time()
    {
        using var backend = new Backend();
        using var plane = Plane(Trust("127.0.0.1"), backend);
        using var silent = plane.Client();
        using var half = plane.Client();
        half.Send("PROXY TCP4 1.2."u8);
        half.Shutdown(SocketShutdown.Send);

        Assert.True(half.ReadToEnd().Reset);
        Assert.Equal(1, plane.Open);
        Assert.True(silent.ReadToEnd().Reset);

        Assert.Equal(2, plane.Plane.Measure().Of(ServiceCounters.Of(Refusal.ProxyHeader)));
    }

    [Fact]
    public void Whoever_only_looks_whether_somebody_listens_is_no_failure()
    {
        using var backend = new Backend();
        using var plane = Plane(Trust("127.0.0.1"), backend);
        plane.Client().Dispose();
        plane.UntilEnded(TerminationReason.ClientAborted);
        Assert.Equal(0, plane.Plane.Measure().Of(ServiceCounters.Of(Refusal.ProxyHeader)));
    }

    [Fact]
    public void The_longest_header_is_taken()
    {
        using var backend = new Backend();
        using var plane = Plane(Trust("127.0.0.1") with { Send = ProxyVersion.V1 }, backend);
        var header = Header(ProxyVersion.V2, Client, Server);
        byte[] field = [4, 0xff, 0xff - 15, .. new byte[0xffff - 15]];
        byte[] longest = [.. header, .. field];
        (longest[14], longest[15]) = (0xff, 0xff);
        Assert.Equal(ProxyHeader.Longest, longest.Length);

        using var client = plane.Client();
        client.Send([.. longest, .. "data"u8]);
        using var served = backend.Accept();

        byte[] expected = [.. Header(ProxyVersion.V1, Client, Server), .. "data"u8];
        Assert.Equal(expected, served.Read(expected.Length));
    }

    [Fact]
    public void The_same_client_gets_the_same_backend_through_whichever_proxy()
    {
        using var one = new Backend();
        using var other = new Backend();
        using var plane = Plane(Trust("127.0.0.0/8"), one, other);
        plane.Publish(t => t with { Service = t.Service with { Method = Method.SourceHash } });
        for (var i = 0; i < 20; i++)
        {
            // The header says who it is, and its port does not matter.
            using var client = plane.Client();
            var version = i % 2 == 0 ? ProxyVersion.V1 : ProxyVersion.V2;
            client.Send(Header(version, Client with { Port = (ushort)i }, Server));
            plane.Until(() => plane.Plane.Measure().Backends.Sum(b => b.Total) == i + 1, "it is served");
        }

        Assert.Equal([0, 20], plane.Plane.Measure().Backends.Select(b => b.Total).Order());
    }

    /// <summary>A plane of one loop.</summary>
    internal static LivePlane Plane(ProxyProtocol proxy, params Backend[] backends)
    {
        var plane = new LivePlane(1, [.. backends.Select(backend => backend.Port)]);
        plane.Publish(t => t with { Service = t.Service with { Proxy = proxy } });
        return plane;
    }

    internal static ProxyProtocol Trust(params string[] networks) =>
        ProxyProtocol.Off with { AcceptFrom = new(List(networks).Given, Unix: false) };

    internal static AccessList List(params string[] networks) => AccessList.None with
    {
        Given = NetworkSet.Of([.. networks.Select(text => IPNetwork.Parse(text.Contains('/') ? text : text + "/32"))
            .Select(network =>
            {
                var first = BinaryPrimitives.ReadUInt32BigEndian(network.BaseAddress.GetAddressBytes());
                return new Network(IsIPv6: false, first, first | (uint)((1UL << (32 - network.PrefixLength)) - 1));
            })]),
    };

    /// <summary>That of a proxy which connects for its own sake.</summary>
    internal static byte[] Local()
    {
        var bytes = new byte[ProxyHeader.LongestWritten];
        return bytes[..ProxyHeader.WriteLocal(bytes, ProxyVersion.V2)];
    }

    internal static byte[] Header(ProxyVersion version, InetEndpoint source, InetEndpoint destination)
    {
        var bytes = new byte[ProxyHeader.LongestWritten];
        return bytes[..ProxyHeader.Write(bytes, version, source, destination)];
    }
}
