using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Bal.Domain.Relay;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Integration.DataPlane;

/// <summary>
/// Which congestion control bal's own sockets have. Where the machine's does not pace, each of these demands that
/// nothing be changed.
/// </summary>
public sealed class LoopbackSocketSpecs
{
    private static readonly string Machines = OfNew();

    private static readonly string OverLoopback = LoopbackCongestion.InsteadOf(Machines).IfNone(Machines);

    [Fact]
    public void A_connection_over_loopback_is_not_paced_on_either_side()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(1, backend.Port);
        using var client = plane.Client();
        client.Send("x"u8);
        client.Read(1);

        var ofPlane = Own(socket => PortOf(socket.LocalEndPoint) == plane.Port && socket.RemoteEndPoint is not null);
        var toBackend = Own(socket => PortOf(socket.RemoteEndPoint) == backend.Port);

        Assert.Equal([OverLoopback], ofPlane);
        Assert.Equal([OverLoopback], toBackend);
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.8.9.1", true)]
    [InlineData("::1", true)]
    [InlineData("0.0.0.0", false)]
    [InlineData("::", false)]
    public void A_listener_hands_it_on_only_where_all_its_clients_are_on_the_machine(string address, bool within)
    {
        var set = ListenerSet.Open(
            new BoundAddress(IPAddress.Parse(address), Ports.Free(), V6Only: false), 16, 2, 1).IfLeft(
            () => throw new InvalidOperationException("no listener"));

        Assert.All(set.Descriptors, fd => Assert.Equal(within ? OverLoopback : Machines, LoopbackSockets.Of(fd)));
        set.Discard();
    }

    [Fact]
    public void A_listener_of_another_process_hands_it_on_as_well()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen(1);
        var copy = Bal.Infrastructure.Linux.Sockets.Duplicate((int)socket.Handle);

        var set = InheritedSockets.Adopt([copy], 16, 1, 1);

        Assert.Equal(OverLoopback, LoopbackSockets.Of((int)socket.Handle));
        set.Discard();
    }

    [Fact]
    public void A_replacement_is_named_only_where_it_is_not_what_the_machine_uses() =>
        Assert.Equal(OverLoopback == Machines ? null : OverLoopback, LoopbackSockets.Replacement);

    [Property(Arbitrary = [typeof(LoopbackSocketSpecs)])]
    public void An_address_is_of_loopback_where_dotnet_says_so(IPAddress address)
    {
        var unmapped = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        Assert.Equal(IPAddress.IsLoopback(unmapped), SockAddr.IsLoopback(SockAddr.Of(address, 80)));
    }

    public static Arbitrary<IPAddress> Addresses() => Arb.From(
        Gen.OneOf(
            Gen.Elements("127.0.0.1", "127.255.0.3", "126.0.0.1", "::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.127",
                "::127.0.0.1")
                .Select(IPAddress.Parse),
            Gen.ArrayOf(Gen.Choose(0, 255), 4).Select(Bytes),
            Gen.ArrayOf(Gen.Choose(0, 255), 16).Select(Bytes),
            Gen.ArrayOf(Gen.Elements(0, 0, 0, 0, 0, 0, 1, 127), 16).Select(Bytes)));

    private static IPAddress Bytes(int[] bytes) => new([.. bytes.Select(b => (byte)b)]);

    private static string OfNew()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        return LoopbackSockets.Of((int)socket.Handle);
    }

    private static int PortOf(EndPoint? endpoint) => (endpoint as IPEndPoint)?.Port ?? -1;

    /// <summary>The congestion control of those sockets of this process.</summary>
    private static string[] Own(Func<Socket, bool> chosen) =>
    [
        .. Directory.EnumerateFiles("/proc/self/fd")
            .Select(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture))
            .Where(fd => IsChosen(fd, chosen))
            .Select(LoopbackSockets.Of),
    ];

    private static bool IsChosen(int fd, Func<Socket, bool> chosen)
    {
        try
        {
            using var socket = new Socket(new SafeSocketHandle(fd, ownsHandle: false));
            return chosen(socket);
        }
        catch (SocketException)
        {
            // No socket, or closed meanwhile by another test.
            return false;
        }
    }
}
