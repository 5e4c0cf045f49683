using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Bal.Domain.Admission;
using Bal.Domain.Counting;
using Bal.Infrastructure.Accounting;
using Bal.Infrastructure.DataPlane;
using Bal.Integration.DataPlane;
using Bal.Integration.Process;
using LanguageExt;
using static Bal.Integration.Accounting.LoggedPlane;
using Sockets = Bal.Integration.DataPlane.Sockets;

namespace Bal.Integration.Accounting;

/// <summary>The access log of real event loops.</summary>
public sealed class AccessLogSpecs
{
    [Fact]
    public void A_line_says_what_became_of_a_connection()
    {
        using var backend = new Backend();
        using var plane = new LoggedPlane(1, backend.Port);
        plane.LogTo(plane.File("log"));

        using (var client = plane.Live.Client())
        {
            using var served = backend.Accept();
            client.Send("four"u8);
            Assert.Equal("four"u8, served.Read(4));
            served.Send("answer"u8);
            client.Read(6);
            var (own, source) = (client.LocalEndPoint!.ToString(), served.RemoteEndPoint!.ToString());
            client.Shutdown(SocketShutdown.Both);
            served.Shutdown(SocketShutdown.Both);
            plane.Live.Until(() => plane.Live.Open == 0, "it has ended");
            // Nobody waits for more: the first line is written at once.
            plane.Live.Until(() => plane.Counts.Lines == 1, "it has its line");

            var line = Assert.Single(LinesOf(plane.File("log")));
            Assert.Equal("default", line.GetProperty("service").GetString());
            Assert.Equal($"127.0.0.1:{plane.Live.Port}", line.GetProperty("listener").GetString());
            Assert.Equal(own, line.GetProperty("client").GetString());
            Assert.Equal(own, line.GetProperty("client_seen").GetString());
            Assert.Equal(JsonValueKind.Null, line.GetProperty("server_name").ValueKind);
            Assert.Equal($"127.0.0.1:{backend.Port}", line.GetProperty("backend").GetString());
            Assert.Equal(source, line.GetProperty("backend_source").GetString());
            Assert.Equal(1, line.GetProperty("tries").GetInt32());
            Assert.Equal(0, line.GetProperty("wait_ms").GetInt64());
            Assert.Equal(4, line.GetProperty("bytes_in").GetInt64());
            Assert.Equal(6, line.GetProperty("bytes_out").GetInt64());
            Assert.Equal("completed", line.GetProperty("termination").GetString());
            var (began, ended) =
                (line.GetProperty("started").GetDateTimeOffset(), line.GetProperty("timestamp").GetDateTimeOffset());
            Assert.Equal(line.GetProperty("duration_ms").GetInt64(), (long)(ended - began).TotalMilliseconds);
            Assert.InRange((DateTimeOffset.UtcNow - ended).TotalSeconds, -1, 60);
            Assert.InRange(
                line.GetProperty("connect_ms").GetInt64(), 0, line.GetProperty("duration_ms").GetInt64());
        }
    }

    [Fact]
    public void Lines_suppressed_and_dropped_are_the_connections_that_the_counters_know_whatever_happens_to_them()
    {
        const int Clients = 12_000;
        using var backend = new Backend().Echoing();
        using var refusing = new Refusing();
        using var plane = new LoggedPlane(4, backend.Port, refusing.Port);
        plane.LogTo(plane.File("log"));
        // 127.0.0.2 is in deny; of the others some find no place, and some leave as they please.
        plane.Live.Publish(t => t with
        {
            Service = t.Service with { Access = new AccessRule(AccessList.None, Denying("127.0.0.2")) },
        });
        plane.Live.Tune(t => t with { MaxConcurrentConnections = 30 });
        plane.Live.Settle();

        Parallel.For(0, Clients, new ParallelOptions { MaxDegreeOfParallelism = 40 }, i => Come(plane.Live.Port, i));
        plane.Live.Until(() => plane.Live.Open == 0, "every connection has ended");
        plane.Live.Settle();
        var ended = plane.Ended;
        var denied = plane.Live.Plane.Measure().Of(ServiceCounters.Of(TerminationReason.RejectedDenied));
        plane.End();

        var lines = LinesOf(plane.File("log"));
        Assert.Equal(Clients, ended);
        Assert.Equal(CountOf(lines) with { Dropped = plane.Counts.Dropped }, plane.Counts);
        Assert.Equal(ended, plane.Counts.Connections);
        // Nothing that came to a try is ever among the suppressed.
        Assert.All(lines.Where(line => line.TryGetProperty("suppressed", out _)), line => Assert.StartsWith(
            "rejected_", line.GetProperty("termination").GetString(), StringComparison.Ordinal));
        Assert.Equal(denied, Of(lines, "rejected_denied"));
        Assert.Equal(0, plane.Counts.Dropped);
    }

    [Fact]
    public void A_file_that_is_renamed_again_and_again_under_load_loses_no_line()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LoggedPlane(2, backend.Port);
        plane.LogTo(plane.File("log"));
        for (var rotation = 0; rotation < 20; rotation++)
        {
            Parallel.For(0, 40, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => Come(plane.Live.Port, 5));
            File.Move(plane.File("log"), plane.File($"log.{rotation}"));
            plane.Log.Reopen();
            plane.Live.Until(() => File.Exists(plane.File("log")), "the file is there again");
        }

        plane.Live.Until(() => plane.Live.Open == 0, "every connection has ended");
        var ended = plane.Ended;
        plane.End();

        Assert.Equal(20 * 40, ended);
        var files = Directory.GetFiles(Path.GetDirectoryName(plane.File("log"))!, "log*");
        Assert.Equal(new AccessLogCounts(ended, 0, 0), CountOf(LinesOf(files)));
    }

    [Fact]
    public void A_pipe_that_nobody_reads_costs_only_what_does_not_fit_and_every_line_arrives_whole()
    {
        const int Clients = 9_000;
        using var backend = new Backend().Echoing();
        using var plane = new LoggedPlane(1, backend.Port);
        var pipe = plane.Pipe("pipe");
        plane.LogTo(pipe);
        // More than the pipe and the ring hold.
        Parallel.For(0, Clients, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => Come(plane.Live.Port, 5));
        plane.Live.Until(() => plane.Live.Open == 0, "every connection has ended");
        plane.UntilSaid("access_log_stalled");
        Assert.Equal("access_log_stalled", plane.Log.Fault.Match(problem => problem.Code, () => ""));
        var dropped = plane.Counts.Dropped;
        Assert.InRange(dropped, 1, Clients - 1);

        var lines = new List<JsonElement>();
        using (var reader = new StreamReader(pipe))
        {
            while (lines.Count < Clients - dropped)
                lines.Add(JsonDocument.Parse(reader.ReadLine()!).RootElement);
        }

        plane.UntilSaid("access_log_resumed");
        Assert.True(plane.Log.Fault.IsNone);
        // The last lines are in the pipe a moment before they are counted.
        plane.Live.Until(
            () => plane.Counts == new AccessLogCounts(Clients - dropped, 0, dropped), "every line is counted");
    }

    [Theory]
    [InlineData("link", "it is a symbolic link")]
    [InlineData("", "Is a directory")]
    [InlineData("/dev/full", "neither a regular file nor a named pipe")]
    [InlineData("missing/log", "No such file or directory")]
    [InlineData("own", "a file that bal itself uses")]
    public void What_is_no_file_for_it_is_refused_and_left_alone_and_what_ends_meanwhile_is_not_lost(
        string name, string why)
    {
        using var backend = new Backend().Echoing();
        using var plane = new LoggedPlane(1, backend.Port);
        var victim = plane.File("victim");
        File.WriteAllText(victim, "precious");
        File.CreateSymbolicLink(plane.File("link"), victim);
        var path = Path.Combine(Path.GetDirectoryName(victim)!, name);

        plane.Log.Use(path.TrimEnd('/'), other => other.EndsWith("/own", StringComparison.Ordinal));
        plane.UntilSaid("access_log_failed");
        Come(plane.Live.Port, 5);
        plane.Live.Until(() => plane.Live.Open == 0, "it has ended");
        plane.LogTo(plane.File("log"));
        plane.Live.Until(() => plane.Counts.Lines == 1, "it has its line");

        lock (plane.Said)
        {
            Assert.Contains(why, Assert.Single(plane.Said).Message, StringComparison.Ordinal);
        }

        Assert.Equal("precious", File.ReadAllText(victim));
        Assert.Single(LinesOf(plane.File("log")));
    }

    [Fact]
    public void The_file_is_made_for_its_owner_and_group_whatever_the_umask_says()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LoggedPlane(1, backend.Port);
        plane.LogTo(plane.File("log"));
        plane.Live.Until(() => File.Exists(plane.File("log")), "the file is made");

        plane.Live.Until(
            () => File.GetUnixFileMode(plane.File("log"))
                == (UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead),
            "it has mode 0640");
    }

    [Fact]
    public void A_log_can_be_added_moved_and_taken_away_while_clients_come_and_each_has_one_line_or_none()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LoggedPlane(2, backend.Port);
        void Some() =>
            Parallel.For(0, 100, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => Come(plane.Live.Port, 5));
        void Ended() => plane.Live.Until(() => plane.Live.Open == 0, "every connection has ended");

        Some();
        Ended();
        plane.LogTo(plane.File("one"));
        Some();
        Ended();
        plane.LogTo(plane.File("two"));
        Some();
        Ended();
        plane.Log.Use(Option<string>.None, _ => false);
        Some();
        Ended();
        plane.End();

        Assert.Equal(100, LinesOf(plane.File("one")).Length);
        Assert.Equal(100, LinesOf(plane.File("two")).Length);
        Assert.Equal(new AccessLogCounts(200, 0, 0), plane.Counts);
    }

    [Fact]
    public void The_name_that_a_client_asked_for_is_in_its_line_and_among_the_open_connections()
    {
        using var home = new TempDirectory();
        var group = new Group(["www.example.org"], ["*.example.net"]);
        var log = new AccessLogging(group.Fleet.Plane.Access, _ => { });
        log.Use(home.File("log"), _ => false);
        group.Fleet.Settle();

        var client = group.Served("db.example.net");
        IReadOnlyList<SessionWalk>? open = null;
        group.Fleet.Plane.Walk(done => new SessionWalk(done) { Most = 10 }, walks => open = walks);
        group.Fleet.Until(() => open is not null, "the loops have looked");
        Assert.Equal("db.example.net", Assert.Single(open!.SelectMany(walk => walk.First)).ServerName);
        using (var stranger = Sockets.Connect(group.Port))
        {
            stranger.Send(Hello.For("www.example.com"));
            Assert.True(stranger.ReadToEnd().Reset);
        }

        client.Dispose();
        group.SettlesAtNothing();
        group.Dispose();
        log.Dispose();
        var lines = LinesOf(home.File("log"));
        Assert.Equal(
            [("s1", "www.example.com", "rejected_server_name"), ("s2", "db.example.net", "completed")],
            lines.Select(line => (
                line.GetProperty("service").GetString()!, line.GetProperty("server_name").GetString()!,
                line.GetProperty("termination").GetString()!)).Order());
    }

    [Fact]
    public void Connections_that_are_open_at_the_end_have_a_line_as_well()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LoggedPlane(2, backend.Port);
        plane.LogTo(plane.File("log"));
        using var client = plane.Live.Client();
        plane.Live.UntilEstablished(1);

        plane.End();

        Assert.Equal("cut", Assert.Single(LinesOf(plane.File("log"))).GetProperty("termination").GetString());
    }

    [Fact]
    public void Once_warm_a_loop_allocates_nothing_for_lines_and_rejections()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LoggedPlane(1, backend.Port);
        plane.LogTo(plane.File("log"));
        plane.Live.Publish(t => t with
        {
            Service = t.Service with { Access = new AccessRule(AccessList.None, Denying("127.0.0.2")) },
        });
        var grown = long.MaxValue;
        for (var round = 0; round < 6 && grown > 0; round++)
        {
            var before = Allocated(plane.Live);
            for (var i = 0; i < 1_000; i++)
                Come(plane.Live.Port, i % 2 == 0 ? 0 : 5);
            plane.Live.Until(() => plane.Live.Open == 0, "every connection has ended");
            grown = Allocated(plane.Live) - before;
        }

        Assert.Equal(0, grown);
    }

    private static long Allocated(LivePlane plane)
    {
        var bytes = -1L;
        plane.Plane.OnEveryLoop(() => Volatile.Write(ref bytes, GC.GetAllocatedBytesForCurrentThread()));
        plane.Until(() => Volatile.Read(ref bytes) >= 0, "the loop has answered");
        return bytes;
    }

    private static long Of(JsonElement[] lines, string termination) => lines
        .Where(line => line.GetProperty("termination").GetString() == termination)
        .Sum(line => 1 + (line.TryGetProperty("suppressed", out var count) ? count.GetInt64() : 0));

    private static AccessList Denying(string address) => new(
        NetworkSet.Of([Host(address)]), Arr<string>.Empty, NetworkSet.Empty);

    private static Network Host(string address)
    {
        var number = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(
            IPAddress.Parse(address).GetAddressBytes());
        return new Network(false, number, number);
    }

    // What a client does depends on its number: some are denied, some reset, some say nothing, some are served.
    private static void Come(int port, int number)
    {
        using var client = Sockets.New();
        if (number % 8 == 0)
            client.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
        try
        {
            client.Connect(IPAddress.Loopback, port);
            if (number % 8 != 1)
            {
                client.Send("x"u8);
                client.Receive(new byte[1]);
            }

            if (number % 8 == 2)
                client.Reset();
        }
        catch (SocketException)
        {
            // It was rejected.
        }
    }
}
