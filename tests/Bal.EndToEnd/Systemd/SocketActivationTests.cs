namespace Bal.EndToEnd.Systemd;

/// <summary>Sockets that a service manager opens are used in place of opening them (sd_listen_fds(3)).</summary>
public sealed class SocketActivationTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", 3)]
    [InlineData("::", "0.0.0.0", 1)]
    public async Task A_socket_of_the_configured_address_is_used_and_serves_on_through_an_upgrade(
        string opened, string configured, int threads)
    {
        await using var backend = Serving.Echo();
        using var installed = new Upgrading.InstalledBal();
        var file = BalFile.For(backend).With("threads", threads) with { Bind = configured };
        await using var bal = new BalInstance(output, file) { Program = installed.Path };
        await using var manager = Activated(bal, opened, file.Port);
        await Eventually.Holds(
            "it serves", () => File.Exists(bal.PidPath) && File.ReadAllText(bal.PidPath) == $"{manager.Pid}\n");
        for (var i = 0; i < 20; i++)
            await bal.Exchange();
        Assert.DoesNotContain("LISTEN_FDS", await Variables(bal), StringComparison.Ordinal);

        (await bal.Run("upgrade")).Succeeds();

        for (var i = 0; i < 20; i++)
            await bal.Exchange();
        (await bal.Run("stop")).Succeeds();
    }

    [Fact]
    public async Task A_socket_of_another_port_is_a_fault_that_names_both()
    {
        await using var backend = Serving.Echo();
        var other = Ports.Free();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        await using var manager = Activated(bal, "127.0.0.1", other);

        var failed = (await manager.End()).FailsWith(1);

        Assert.Contains($"a socket on 127.0.0.1:{other}", failed.Error, StringComparison.Ordinal);
        Assert.Contains($"listens on 127.0.0.1:{bal.File.Port}", failed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sockets_for_another_process_are_left_alone()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        await using var foreground = bal.StartForeground(("LISTEN_PID", "1"), ("LISTEN_FDS", "1"));

        await Eventually.Holds(
            "it serves", () => File.Exists(bal.PidPath) && File.ReadAllText(bal.PidPath) == $"{foreground.Pid}\n");

        await bal.Exchange();
    }

    // The process that opens the socket becomes bal, as with systemd: descriptor 3 and its own process id.
    private static Command Activated(BalInstance bal, string address, int port) => bal.ShellInBackground(
        "exec perl -e 'use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6); $^F = 10; my ($a, $p, @c) = @ARGV; my "
        + "$v6 = $a =~ /:/; "
        + "socket(my $s, $v6 ? PF_INET6 : PF_INET, SOCK_STREAM, 0) or die; fileno($s) == 3 or die; "
        + "setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1); "
        + "bind($s, $v6 ? pack_sockaddr_in6($p, inet_pton(AF_INET6, $a)) : pack_sockaddr_in($p, inet_aton($a))) or "
        + "die; "
        + "listen($s, 128) or die; $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1; exec @c' "
        + $"-- {address} {port} \"$BAL\" start");

    private static async Task<string> Variables(BalInstance bal)
    {
        // What a child of bal gets: the one that an upgrade starts.
        (await bal.Run("upgrade")).Succeeds();
        return await File.ReadAllTextAsync($"/proc/{bal.Pid}/environ");
    }
}
