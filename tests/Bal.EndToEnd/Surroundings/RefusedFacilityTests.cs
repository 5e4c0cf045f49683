using System.Text.Json;
using System.Text.RegularExpressions;

namespace Bal.EndToEnd.Surroundings;

/// <summary>
/// What the kernel or the machine refuses, bal does without, and says so once. Each row of the tables in
/// docs/reliability.md, "Refused by the kernel or the machine", is a row here.
/// </summary>
public sealed partial class RefusedFacilityTests(ITestOutputHelper output)
{
    private const int EPERM = 1;
    private const int ENOENT = 2;
    private const int EINVAL = 22;
    private const int EMFILE = 24;
    private const int ENOTTY = 25;
    private const int ENOSPC = 28;
    private const int ENOSYS = 38;
    private const int ENOPROTOOPT = 92;
    private const int EOPNOTSUPP = 95;
    private const int EAFNOSUPPORT = 97;

    private const string NoMessages = "sendmsg(2) with descriptors is refused";
    private const uint SpliceInLength = 1024 * 1024;

    private sealed record Row(string Facility, Refusal Refusal)
    {
        /// <summary>The name of the line that says so; null where nothing is said.</summary>
        public string? Event { get; init; } = "facility_refused";

        /// <summary>Whether bal meets it in any run; else only on a machine that is fast enough.</summary>
        public bool IsAlwaysMet { get; init; } = true;

        /// <summary>What 'bal upgrade' says; null where it works.</summary>
        public string? Upgrade { get; init; }

        /// <summary>The keys without which bal does not need it.</summary>
        public string More { get; init; } = "";

        /// <summary>Whether the control socket answers.</summary>
        public bool Answers { get; init; } = true;
    }

    private static readonly Row[] DoneWithout =
    [
        new("splice", Refusal.Of("splice", ENOSYS)),
        new("splice", Refusal.Of("splice", EPERM)),
        new("splice", Refusal.Of("splice", EINVAL)),
        new("splice", Refusal.Of("splice", EOPNOTSUPP)),
        // Into the pipe it works, out of it no more: what is in the pipe must not be lost.
        new("splice", new Refusal("splice", ENOSYS, (4, SpliceInLength, false))),
        new("pipe", Refusal.Of("pipe2", ENOSYS, (1, 0x80800))),
        new("pipe_size", Refusal.Of("fcntl", EPERM, (1, 1031))),
        new("pipe_size", Refusal.Of("fcntl", EINVAL, (1, 1032))) { Event = null },
        new("low_water", SocketOption(1, 18, EINVAL)) { IsAlwaysMet = false },
        new("congestion", SocketOption(6, 13, EPERM)) { Event = MachineHasBbr ? "facility_refused" : null },
        new("no_delay", SocketOption(6, 1, ENOPROTOOPT)),
        new("source_port", SocketOption(0, 24, ENOPROTOOPT)) { More = "source_addresses: 127.0.0.1" },
        new("linger", SocketOption(1, 13, EINVAL)),
        new("urgent_inline", SocketOption(1, 10, EINVAL)),
        new("unread", Refusal.Of("ioctl", ENOTTY, (1, 0x541B))) { IsAlwaysMet = false },
        new("unacknowledged", Refusal.Of("ioctl", ENOTTY, (1, 0x5411))),
        new("reuse_port", SocketOption(1, 15, ENOPROTOOPT)),
        new("reuse_address", SocketOption(1, 2, EPERM)),
        new("filter", SocketOption(1, 26, EPERM)),
        new("peer_user", Refusal.Of("getsockopt", ENOPROTOOPT, (1, 1), (2, 17))) { Answers = false },
        new("inotify", Refusal.Of("inotify_init1", EMFILE)),
        new("inotify", Refusal.Of("inotify_add_watch", ENOSPC)),
        new("shared_memory", Refusal.Of("memfd_create", ENOSYS)) { Upgrade = "memfd_create(2) is refused" },
        new("descriptor_limit", Refusal.Of("prlimit64", EPERM, (1, 7))),
        new("pidfd_open", Refusal.Of("pidfd_open", ENOSYS)) { Event = null, Upgrade = "pidfd_open(2) is refused" },
        new("pidfd_send_signal", Refusal.Of("pidfd_send_signal", EPERM)) { Event = null },
        new("sendmsg", Refusal.Of("sendmsg", EPERM)) { Event = null, Upgrade = NoMessages },
        new("socketpair", Refusal.Of("socketpair", EPERM)) { Event = null, Upgrade = NoMessages },
        new("close_range", Refusal.Of("close_range", ENOSYS)) { Event = null },
        new("madvise", Refusal.Of("madvise", EINVAL)) { Event = null },
        new("statx", Refusal.Of("statx", ENOSYS)) { Event = null },
        new("clone3", Refusal.Of("clone3", ENOSYS)) { Event = null },
        new("membarrier", Refusal.Of("membarrier", ENOSYS)) { Event = null },
        new("getrandom", Refusal.Of("getrandom", ENOSYS)) { Event = null },
        new("sched_getaffinity", Refusal.Of("sched_getaffinity", EPERM)) { Event = null },
        new("rseq", Refusal.Of("rseq", ENOSYS)) { Event = null },
        new("set_robust_list", Refusal.Of("set_robust_list", ENOSYS)) { Event = null },
        new("netlink", Refusal.Of("socket", EPERM, (0, 16))) { Event = null },
        new("ipv6", Refusal.Of("socket", EAFNOSUPPORT, (0, 10))) { Event = null },
    ];

    private static readonly Row[] Needed =
    [
        new("epoll_create1", Refusal.Of("epoll_create1", ENOSYS)),
        new("epoll_ctl", Refusal.Of("epoll_ctl", EPERM)),
        new("epoll_wait", Refusal.Of("epoll_wait", ENOSYS)),
        new("eventfd", Refusal.Of("eventfd2", ENOSYS)),
        new("signalfd", Refusal.Of("signalfd4", ENOSYS)),
        new("accept4", Refusal.Of("accept4", ENOSYS)),
    ];

    // Name, what the mount namespace lacks, and the line that says so.
    private static readonly (string Name, string Without, string? Event)[] Files =
    [
        ("null_device", "mount -t tmpfs none /dev; mknod -m 666 /dev/urandom c 1 9", "facility_refused"),
        ("random", "mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3", "facility_refused"),
        ("proc", "mount -t tmpfs none /proc", null),
    ];

    public static TheoryData<string, int> RowsDoneWithout => Numbered(DoneWithout.Select(r => r.Facility));

    public static TheoryData<string, int> RowsNeeded => Numbered(Needed.Select(r => r.Facility));

    public static TheoryData<string, int> RowsOfFiles => Numbered(Files.Select(f => f.Name));

    [Theory]
    [MemberData(nameof(RowsDoneWithout))]
    public async Task It_serves_without_and_says_so_once(string facility, int index)
    {
        var row = DoneWithout[index];
        await using var backend = Serving.Echo();
        await using var refusing = Serving.EchoThatIsDown();
        await using var bal = new BalInstance(output, BalFile.For(backend, refusing).WithRareProbes() with
        {
            More = row.More,
        });
        var process = Seccomp.Start(bal, [row.Refusal]);
        await Eventually.Holds("it serves", () =>
            process.HasExited || (File.Exists(bal.PidPath) && File.ReadAllText(bal.PidPath) == $"{process.Pid}\n"));

        using var kept = await bal.Connect();
        await BothWays(bal, index);
        await Abort(bal);
        await Urgent(bal);
        if (row.Answers)
        {
            await bal.Reload(bal.File with { Port = Ports.Free() });
            await bal.SeeStatus("it has reloaded", s => s.ConfigVersion == 2);
            await BothWays(bal, index + 1);
        }

        await kept.Write("kept"u8.ToArray());
        Assert.Equal("kept"u8.ToArray(), await kept.Read(4));
        kept.Dispose();
        var upgraded = row.Answers && await Upgrade(bal, row.Upgrade);
        if (upgraded)
            await BothWays(bal, index + 2);

        (await bal.Run("stop")).Succeeds();
        var log = (await process.End()).Error;
        var most = Enumerable.Repeat(facility, row.Event is null ? 0 : upgraded && Again(facility) ? 2 : 1);
        var said = Said(log, "facility_refused");
        Assert.Equal(row.IsAlwaysMet ? most : most.Take(said.Count()), said);
        Assert.DoesNotContain("internal_error", log, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(RowsNeeded))]
    public async Task A_start_says_what_it_cannot_do_without(string facility, int index)
    {
        await using var bal = new BalInstance(output, BalFile.For(Ports.Free()));
        var end = (await Seccomp.Start(bal, [Needed[index].Refusal]).End()).FailsWith(1);
        Assert.Contains($"what_happened: bal cannot serve without {facility}(2)", end.Error, StringComparison.Ordinal);
        Assert.Contains("why_likely: a sandbox", end.Error, StringComparison.Ordinal);
        Assert.Contains("do_this_now: ", end.Error, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(RowsOfFiles))]
    public async Task A_daemon_serves_without_the_file_and_says_so_once(string facility, int index)
    {
        var (_, without, said) = Files[index];
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var (enter, commands) = (Posix.IsRoot ? "unshare -m" : "unshare -rm", "\"$BAL\" start -d && \"$BAL\" upgrade");
        (await bal.Shell($"exec {enter} bash -c '{without}; {commands}'")).Succeeds();

        await BothWays(bal, index);
        await bal.Reload(bal.File);
        (await bal.Run("stop")).Succeeds();
        var log = string.Join('\n', bal.LogLines());
        Assert.Equal(said is null ? [] : Enumerable.Repeat(facility, 2), Said(log, "facility_refused"));
        Assert.Equal(["started", "started"], bal.LogLines().Select(EventOf).Where(e => e == "started"));
    }

    [Fact]
    public async Task Pipes_that_are_used_up_are_said_once_and_counted()
    {
        await using var backend = Serving.Echo();
        await using var bal = new BalInstance(output, BalFile.For(backend));
        var process = Seccomp.Start(bal, [Refusal.Of("pipe2", EMFILE, (1, 0x80800))]);
        await Eventually.Holds("it serves", () =>
            process.HasExited || (File.Exists(bal.PidPath) && File.ReadAllText(bal.PidPath) == $"{process.Pid}\n"));
        for (var i = 0; i < 3; i++)
            await BothWays(bal, i);

        (await bal.Run("stop")).Succeeds();
        var said = (await process.End()).Error.Split('\n')
            .Where(line => line.StartsWith('{') && EventOf(line) == "pipes_exhausted").ToArray();
        var fields = JsonDocument.Parse(Assert.Single(said)).RootElement.GetProperty("fields");
        Assert.Equal(1, fields.GetProperty("times").GetInt64());
        Assert.Equal("Too many open files", fields.GetProperty("reason").GetString());
    }

    [Fact]
    public void The_tables_of_the_documentation_name_what_is_tested_here()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "reliability.md"));
        var section = page[page.IndexOf("## Refused by the kernel", StringComparison.Ordinal)..];
        section = section[..section.IndexOf("\n## ", 3, StringComparison.Ordinal)];
        var tested = DoneWithout.Concat(Needed).Select(r => r.Facility).Concat(Files.Select(f => f.Name)).Distinct();
        Assert.Equal(tested.Order(StringComparer.Ordinal),
            FirstCell().Matches(section).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    private static bool MachineHasBbr =>
        File.ReadAllText("/proc/sys/net/ipv4/tcp_congestion_control").Trim() == "bbr";

    private static Refusal SocketOption(uint level, uint name, int error) =>
        Refusal.Of("setsockopt", error, (1, level), (2, name));

    // What the old process has met at its own listeners or in its own relay, the new one meets only if it does as much.
    private static bool Again(string facility) => facility is not ("filter" or "linger" or "urgent_inline"
        or "unacknowledged" or "reuse_port" or "reuse_address");

    private static async Task<bool> Upgrade(BalInstance bal, string? refusal)
    {
        var upgrade = await bal.Run("upgrade");
        if (refusal is null)
            upgrade.Succeeds();
        else
            Assert.Contains(refusal, upgrade.FailsWith(1).Error, StringComparison.Ordinal);
        return refusal is null;
    }

    private static async Task BothWays(BalInstance bal, int seed)
    {
        var bytes = Wire.Random(4 * 1024 * 1024, seed);
        using var client = await bal.Connect();
        var writing = Task.Run(async () =>
        {
            await client.Write(bytes);
            client.Shutdown(SocketShutdown.Send);
        });
        var got = await client.ReadToEnd();
        await writing;
        Assert.Equal(Ending.Fin, got.Ending);
        Assert.True(bytes.AsSpan().SequenceEqual(got.Bytes), $"{got.Bytes.Length} bytes, and not those that were sent");
    }

    // An RST that bal passes on; the backend sees it.
    private static async Task Abort(BalInstance bal)
    {
        using var client = await bal.Connect();
        await client.Write(new byte[1]);
        await client.Read(1);
        client.Reset();
    }

    private static async Task Urgent(BalInstance bal)
    {
        using var client = await bal.Connect();
        await client.Write(new byte[1]);
        await client.Read(1);
        client.Send(new byte[] { 7 }, SocketFlags.OutOfBand);
        await client.Write(new byte[] { 8 });
        var last = 0;
        while (last != 8)
            last = (await client.Read(1))[0];
    }

    private static IEnumerable<string> Said(string log, string name) => log.Split('\n')
        .Where(line => line.StartsWith('{') && EventOf(line) == name)
        .Select(line => JsonDocument.Parse(line).RootElement
            .GetProperty("fields").GetProperty("facility").GetString()!);

    private static string EventOf(string line) =>
        JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()!;

    private static TheoryData<string, int> Numbered(IEnumerable<string> names)
    {
        var data = new TheoryData<string, int>();
        var index = 0;
        foreach (var name in names)
            data.Add(name, index++);
        return data;
    }

    [GeneratedRegex(@"^\| `([a-z0-9_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex FirstCell();
}
