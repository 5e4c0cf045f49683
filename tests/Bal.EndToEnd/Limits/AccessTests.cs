namespace Bal.EndToEnd.Limits;

/// <summary>Who may connect, by <c>allow</c> and <c>deny</c>.</summary>
public sealed class AccessTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_client_in_deny_is_reset_and_counted_and_nothing_is_wrong()
    {
        await using var backend = Serving.Echo();
        var file = BalFile.For(backend).WithRareProbes() with { More = "deny: [127.0.0.2, 127.1.0.0/16]" };
        await using var bal = await BalInstance.Healthy(output, file);

        Assert.True(await IsServed(bal, "127.0.0.1"));
        Assert.False(await IsServed(bal, "127.0.0.2"));
        Assert.False(await IsServed(bal, "127.1.2.3"));
        Assert.True(await IsServed(bal, "127.2.0.1"));

        var status = await bal.Status();
        Assert.Equal(2, Denied(status));
        Assert.Equal(0, status.Rejected);
        (await bal.Run("status", "--exit-code")).Succeeds();
        await Eventually.Holds(
            "the log says it", () => bal.LogLines().Any(line => line.Contains("\"denied\"", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_reload_changes_who_may_connect_and_touches_no_open_connection()
    {
        await using var backend = Serving.Echo();
        var file = BalFile.For(backend).WithRareProbes() with { More = "allow:\n  - {file: friends.txt}" };
        await using var bal = new BalInstance(output, file);
        var friends = Path.Combine(bal.Home, "friends.txt");
        await File.WriteAllTextAsync(friends, "# friends\n127.0.0.1\n127.0.0.3 # a third\n");
        (await bal.Run("start", "-d")).Succeeds();
        using var open = await From(bal, "127.0.0.3");
        Assert.True(await Answers(open));
        Assert.False(await IsServed(bal, "127.0.0.2"));

        await File.WriteAllTextAsync(friends, "127.0.0.1\n127.0.0.2\n");
        (await bal.Run("reload")).Succeeds();
        Assert.True(await IsServed(bal, "127.0.0.2"));
        Assert.False(await IsServed(bal, "127.0.0.3"));
        Assert.True(await Answers(open));

        await File.WriteAllTextAsync(friends, "127.0.0.1\n  127.0.0.300\n");
        var refused = (await bal.Run("reload")).FailsWith(1);
        Assert.Contains($"{friends}:2:3: expected an address or a network, found \"127.0.0.300\"", refused.Error,
            StringComparison.Ordinal);
        Assert.True(await IsServed(bal, "127.0.0.2"));
        Assert.Contains("friends.txt:2:3:", (await bal.Run("check")).FailsWith(1).Out, StringComparison.Ordinal);

        File.Delete(friends);
        Assert.Contains("friends.txt does not exist", (await bal.Run("reload")).FailsWith(1).Error,
            StringComparison.Ordinal);
        Assert.True(await IsServed(bal, "127.0.0.2"));
    }

    [Fact]
    public async Task An_upgrade_goes_on_with_the_lists()
    {
        await using var backend = Serving.Echo();
        var file = BalFile.For(backend).WithRareProbes() with { More = "deny:\n  - 127.0.0.2\n  - file: foes.txt" };
        await using var bal = new BalInstance(output, file);
        var foes = Path.Combine(bal.Home, "foes.txt");
        await File.WriteAllLinesAsync(
            foes,
            Enumerable.Range(0, 100_000).Select(i => $"10.{i >> 16}.{(i >> 8) & 255}.{i & 255}").Append("127.0.0.3"));
        (await bal.Run("start", "-d")).Succeeds();
        Assert.False(await IsServed(bal, "127.0.0.3"));

        (await bal.Run("upgrade")).Succeeds();
        Assert.True(await IsServed(bal, "127.0.0.1"));
        Assert.False(await IsServed(bal, "127.0.0.2"));
        Assert.False(await IsServed(bal, "127.0.0.3"));
        Assert.Equal(3, Denied(await bal.Status()));

        // What cannot be heeded must not be served without.
        File.Delete(foes);
        Assert.Contains("foes.txt", (await bal.Run("upgrade")).FailsWith(1).Error, StringComparison.Ordinal);
        Assert.False(await IsServed(bal, "127.0.0.3"));
    }

    [Fact]
    public async Task An_IPv4_client_of_an_IPv6_listener_has_its_IPv4_address()
    {
        await using var backend = Serving.Echo();
        var file = BalFile.For(backend).WithRareProbes() with { Bind = "::", More = "allow: [127.0.0.0/31, \"::1\"]" };
        await using var bal = await BalInstance.Healthy(output, file);

        Assert.True(await IsServed(bal, "127.0.0.1"));
        Assert.False(await IsServed(bal, "127.0.0.2"));
        Assert.True(await IsServed(bal, "::1"));
    }

    private static long Denied(Status status) => status.Root.GetProperty("rejected").GetProperty("denied").GetInt64();

    private static async Task<Socket> From(BalInstance bal, string address)
    {
        var source = IPAddress.Parse(address);
        var socket = new Socket(source.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(source, 0));
        await socket.ConnectAsync(new IPEndPoint(
            source.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback,
            bal.File.Port));
        return socket;
    }

    // An RST may come while the client still connects.
    private static async Task<bool> IsServed(BalInstance bal, string address)
    {
        try
        {
            using var socket = await From(bal, address);
            return await Answers(socket);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            return false;
        }
    }

    private static async Task<bool> Answers(Socket socket)
    {
        await socket.Write("x"u8.ToArray());
        return (await socket.Read(1)).Length == 1;
    }
}
