using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Bal.Domain.Admission;
using Bal.Domain.Config;
using Bal.Domain.Counting;
using Bal.Domain.Relay;
using LanguageExt;
using Xunit.Abstractions;

namespace Bal.Integration.DataPlane;

/// <summary>A proxy that is believed names very many clients.</summary>
public sealed class ClientFloodSpecs(ITestOutputHelper output)
{
    private const int Threads = 8;

    // BAL_FLOOD=1000000 makes it a million sources, which takes a minute or two.
    private static readonly int Sources =
        int.TryParse(Environment.GetEnvironmentVariable("BAL_FLOOD"), CultureInfo.InvariantCulture, out var sources)
            ? sources : 4_000;

    [Fact]
    public async Task However_many_come_a_client_with_connections_is_held_to_its_limit()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(2, backend.Port);
        var trusted = new Network(IsIPv6: false, First: 0x7f00_0000, Last: 0x7fff_ffff);
        plane.Publish(t => t with
        {
            Service = t.Service with
            {
                ClientLimits = new(2, Option<int>.None),
                Proxy = ProxyProtocol.Off with { AcceptFrom = new(NetworkSet.Of([trusted]), Unix: false) },
            },
        });
        plane.Settle();
        using var one = Known(plane);
        using var other = Known(plane);
        Assert.True(Served(one) && Served(other));
        var memory = Resident();

        // Without a backend each is judged and sent away, which is all that a flood needs.
        plane.Publish(t => t with { Up = Arr<Bal.Domain.Balancing.Route>.Empty });
        plane.Settle();
        var held = 0;
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(
            () =>
            {
                for (var i = thread; i < Sources; i += Threads)
                {
                    Assert.False(Served(From(plane, Source(i))));
                    if (i % 1_000 != 0)
                        continue;
                    Assert.False(Served(Known(plane)));
                    Interlocked.Increment(ref held);
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

        var seen = plane.Plane.Measure();
        Assert.Equal(held, seen.Of(ServiceCounters.Of(Refusal.ClientLimit)));
        Assert.Equal(Sources, seen.Of(ServiceCounters.Of(Refusal.BackendsUnavailable)));
        Assert.Equal(
            new KnownClients(Math.Min(Sources + 1, ClientLimits.MaxKnown), NewcomersShare: false),
            seen.Services[0].Clients);
        Assert.True(Served(one) && Served(other));
        output.WriteLine($"{Sources} sources, {(Resident() - memory) / 1_024} KiB more");
    }

    private static Socket Known(LivePlane plane) => From(plane, InetEndpoint.Of([192, 0, 2, 1], 1_000));

    // Of both families; every one of IPv6 in a /64 of its own.
    private static InetEndpoint Source(int number) => number % 2 == 0
        ? InetEndpoint.Of([10, (byte)(number >> 16), (byte)(number >> 8), (byte)number], 1_000)
        : InetEndpoint.Of([0x20, 1, 0xd, 0xb8, (byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8),
            (byte)number, 0, 0, 0, 0, 0, 0, 0, 1], 1_000);

    private static Socket From(LivePlane plane, InetEndpoint source)
    {
        var client = plane.Client();
        var header = new byte[ProxyHeader.LongestWritten];
        var destination = source.Length == 4
            ? InetEndpoint.Of([10, 9, 9, 9], 443) : InetEndpoint.Of(IPAddress.IPv6Loopback.GetAddressBytes(), 443);
        client.Send(header.AsSpan(0, ProxyHeader.Write(header, ProxyVersion.V2, source, destination)));
        return client;
    }

    // What is not served is closed at once; a port of this machine is soon free again after an RST.
    private static bool Served(Socket client)
    {
        try
        {
            client.Send("x"u8);
            return client.Read(1).Length == 1;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            client.Dispose();
            return false;
        }
    }

    private static long Resident()
    {
        using var self = System.Diagnostics.Process.GetCurrentProcess();
        return self.WorkingSet64;
    }
}
