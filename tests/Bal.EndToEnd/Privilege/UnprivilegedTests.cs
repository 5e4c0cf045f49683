namespace Bal.EndToEnd.Privilege;

/// <summary>
/// No root is needed, and where a privilege is, the message names it. A test that runs as root gives everything up
/// first; one that does not needs user namespaces for a network of its own.
/// </summary>
public sealed class UnprivilegedTests(ITestOutputHelper output)
{
    private const string Nobody = "65534";

    private static readonly string Drop = Posix.IsRoot
        ? $"setpriv --reuid={Nobody} --regid={Nobody} --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs"
        : "setpriv --inh-caps=-all --bounding-set=-all --no-new-privs";

    [Fact]
    public async Task The_whole_flow_works_for_a_user_without_any_privilege()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        await Prepare(bal, "scene", $$"""
            set -euo pipefail
            bal="$BAL_HOME/bal"
            grep -q '^CapEff:[[:space:]]*0*$' /proc/self/status
            "$bal" check
            "$bal" doctor | grep -q 'overall: OK'
            "$bal" status | grep -q 'not running'
            "$bal" start -d
            exec 3<>/dev/tcp/127.0.0.1/{{bal.File.Port}}
            echo hello >&3
            read -r answer <&3
            exec 3>&-
            [ "$answer" = hello ]
            "$bal" status --exit-code
            "$bal" doctor | grep -q 'overall: OK'
            "$bal" graceful
            "$bal" stop
            ! "$bal" stop
            """);

        (await bal.Shell($"exec {Drop} bash \"$BAL_HOME/scene\"")).Succeeds();

        if (Posix.IsRoot)
            Assert.Equal(Nobody, (await bal.Shell("stat -c %u \"$BAL_HOME/bal.log\"")).Succeeds().Out.Trim());
    }

    [Fact]
    public async Task A_privileged_port_is_refused_everywhere_in_words_that_name_setcap_and_systemd_and_the_real_limit()
    {
        await using var bal = new BalInstance(output, new BalFile(1_499, "127.0.0.1:9"));
        bal.Write(bal.File with { Port = 9_295 });
        File.Move(bal.ConfigPath, Path.Combine(bal.Home, "high.yaml"));
        bal.Write(bal.File with { Port = 1_499 });
        File.Copy(bal.ConfigPath, Path.Combine(bal.Home, "low.yaml"));
        await Prepare(bal, "denied", """
            set -uo pipefail
            cd "$BAL_HOME"
            ./bal doctor --config low.yaml >doctor.said && exit 11
            ./bal start --config low.yaml 2>start.said && exit 12
            ./bal start -d --config low.yaml 2>daemon.said && exit 13
            cp high.yaml live.yaml
            ./bal start -d --config live.yaml || exit 14
            cp low.yaml live.yaml
            ./bal graceful 2>graceful.said && exit 15
            ./bal status --json >status.said || exit 16
            ./bal stop || exit 17
            """);
        // In a network of its own the limit is the namespace's, and can be set.
        await File.WriteAllTextAsync(Path.Combine(bal.Home, "network"), $"""
            set -eu
            ip link set lo up
            echo 1500 >/proc/sys/net/ipv4/ip_unprivileged_port_start
            exec {Drop} bash "$BAL_HOME/denied"
            """);

        (await bal.Shell($"exec {Network} bash \"$BAL_HOME/network\"")).Succeeds();

        foreach (var said in new[] { "doctor", "start", "daemon", "graceful" })
        {
            var text = await File.ReadAllTextAsync(Path.Combine(bal.Home, $"{said}.said"));
            Assert.Contains("ports below 1500 need", text, StringComparison.Ordinal);
            Assert.Contains("setcap cap_net_bind_service=+ep", text, StringComparison.Ordinal);
            Assert.Contains("AmbientCapabilities=CAP_NET_BIND_SERVICE", text, StringComparison.Ordinal);
        }

        // The refused reload changed nothing.
        Assert.Contains("\"port\": 9295", await File.ReadAllTextAsync(Path.Combine(bal.Home, "status.said")),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_that_one_capability_a_user_who_is_not_root_serves_a_privileged_port()
    {
        await using var bal = new BalInstance(output, new BalFile(80, "127.0.0.1:9"));
        await Prepare(bal, "allowed", """
            set -euo pipefail
            "$BAL_HOME/bal" start -d
            "$BAL_HOME/bal" status | grep -q 'daemon: running'
            "$BAL_HOME/bal" stop
            """);
        var user = Posix.IsRoot ? $"--reuid={Nobody} --regid={Nobody} --clear-groups" : "";
        const string only = "--inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service " +
            "--bounding-set=-all,+net_bind_service";
        await File.WriteAllTextAsync(Path.Combine(bal.Home, "network"), $"""
            set -eu
            ip link set lo up
            exec setpriv {user} {only} bash "$BAL_HOME/allowed"
            """);

        (await bal.Shell($"exec {Network} bash \"$BAL_HOME/network\"")).Succeeds();
    }

    [Fact]
    public async Task No_memory_is_both_writable_and_executable()
    {
        // What MemoryDenyWriteExecute= of the unit forbids; only true of the published program, which generates no
        // code.
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        await bal.Exchange();
        var maps = await File.ReadAllLinesAsync($"/proc/{bal.Pid}/maps");
        Assert.Contains(maps, m => m.Contains(" r-xp ", StringComparison.Ordinal));
        Assert.DoesNotContain(maps, m => m.Contains(" rwx", StringComparison.Ordinal));
    }

    private static string Network => Posix.IsRoot ? "unshare --net" : "unshare --net --user --map-root-user";

    /// <summary>A home that is the user's, with a program that he may run and a script.</summary>
    private static async Task Prepare(BalInstance bal, string script, string text)
    {
        await File.WriteAllTextAsync(Path.Combine(bal.Home, script), text);
        (await bal.Shell("install -m 0755 \"$BAL\" \"$BAL_HOME/bal\"")).Succeeds();
        if (Posix.IsRoot)
            (await bal.Shell($"chown -R {Nobody}:{Nobody} \"$BAL_HOME\"")).Succeeds();
    }
}
