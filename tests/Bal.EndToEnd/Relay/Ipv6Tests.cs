namespace Bal.EndToEnd.Relay;

/// <summary>IPv6 in front and behind.</summary>
public sealed class Ipv6Tests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_dual_stack_listener_serves_both_families_from_an_IPv6_backend()
    {
        await using var backend = Serving.Echo(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        await using var bal = await BalInstance.Healthy(output,
            new BalFile(Ports.Free(), $"[::1]:{backend.Port}") { Bind = "::" });
        await bal.Exchange();
        using var client = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(IPAddress.IPv6Loopback, bal.File.Port);
        await client.Write("six"u8.ToArray());
        Assert.Equal("six"u8.ToArray(), await client.Read(3));
        Assert.Equal($"[::1]:{backend.Port}", (await bal.Status()).Backends[0].Address);
    }
}
