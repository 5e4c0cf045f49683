using System.Diagnostics;
using System.Net.Sockets;
using Bal.Domain.Config;
using Bal.Domain.Counting;
using Bal.Domain.Relay;

namespace Bal.Integration.DataPlane;

/// <summary>Bytes through bal, and the three ways in which a direction ends: FIN, RST, silence.</summary>
public abstract class RelaySpecs(RelayMode relay, GatherRule? gatherRule = null)
{
    [Fact]
    public async Task A_client_that_has_sent_its_FIN_still_gets_the_whole_answer()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, gatherRule, 1, serving: true, backend.Port);
        using var client = plane.Client();
        var request = Sockets.Pattern(300_000);
        var answer = Sockets.Pattern(3_000_000);
        var sending = Task.Run(() =>
        {
            client.Send(request);
            client.Shutdown(SocketShutdown.Send);
        });

        using var server = backend.Accept();
        Assert.Equal(request, server.ReadToEnd().Bytes);
        var answering = Task.Run(() =>
        {
            server.Send(answer);
            server.Close();
        });
        var got = client.ReadToEnd();

        Assert.False(got.Reset);
        Assert.Equal(answer, got.Bytes);
        await Task.WhenAll(sending, answering);
        plane.Until(() => plane.Open == 0, "the session has ended");
    }

    [Fact]
    public async Task A_backend_that_has_sent_its_FIN_still_gets_what_the_client_says()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, gatherRule, 1, serving: true, backend.Port);
        using var client = plane.Client();
        using var server = backend.Accept();
        server.Send("220 ready\r\n"u8);
        server.Shutdown(SocketShutdown.Send);
        Assert.Equal("220 ready\r\n"u8.ToArray(), client.ReadToEnd().Bytes);

        var upload = Sockets.Pattern(1_000_000);
        var sending = Task.Run(() =>
        {
            client.Send(upload);
            client.Close();
        });
        Assert.Equal(upload, server.ReadToEnd().Bytes);
        await sending;
        plane.Until(() => plane.Open == 0, "the session has ended");
    }

    [Fact]
    public void An_RST_of_the_backend_reaches_the_client_after_the_bytes_before_it()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, gatherRule, 1, serving: true, backend.Port);
        using var client = plane.Client();
        using var server = backend.Accept();
        var answer = Sockets.Pattern(100_000);
        server.Send(answer);
        plane.Until(() => plane.Plane.Measure().Backends[0].BytesOut == answer.Length, "bal has the answer");
        server.Reset();

        var got = client.ReadToEnd();
        Assert.True(got.Reset, "a broken answer must not look like a complete one");
        Assert.Equal(answer, got.Bytes);
        plane.Until(() => plane.Open == 0, "the session has ended");
    }

    [Fact]
    public void An_RST_of_the_client_reaches_the_backend_after_the_bytes_before_it()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, gatherRule, 1, serving: true, backend.Port);
        using var client = plane.Client();
        using var server = backend.Accept();
        var request = Sockets.Pattern(100_000);
        client.Send(request);
        plane.Until(() => plane.Plane.Measure().Backends[0].BytesIn == request.Length, "bal has the request");
        client.Reset();

        var got = server.ReadToEnd();
        Assert.True(got.Reset);
        Assert.Equal(request, got.Bytes);
        plane.Until(() => plane.Open == 0, "the session has ended");
    }

    [Fact]
    public void A_client_that_sends_and_resets_before_a_backend_is_connected_is_heard_all_the_same()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, gatherRule, 1, serving: false, backend.Port);
        using (var client = plane.Client())
        {
            client.Send("a log line\n"u8);
            client.Reset();
        }

        plane.Plane.Commit();
        using var server = backend.Accept();
        var got = server.ReadToEnd();
        Assert.Equal("a log line\n"u8.ToArray(), got.Bytes);
        Assert.True(got.Reset);
        plane.Until(() => plane.Open == 0, "the session has ended");
    }

    [Fact]
    public void A_client_that_resets_without_a_word_while_a_backend_is_silent_gives_its_place_back_at_once()
    {
        using var silent = new Silent();
        using var plane = new LivePlane(relay, gatherRule, 1, serving: true, silent.Port);
        plane.Tune(t => t with { ConnectTimeout = new(60_000) });
        using var client = plane.Client();
        plane.Until(() => plane.Open == 1, "the client is admitted");
        client.Reset();
        plane.Until(() => plane.Open == 0, "the session has ended");
        Assert.Equal(0, plane.Plane.Measure().Backends[0].Active);
    }

    [Fact]
    public async Task A_reader_that_stalls_stops_the_sender_and_loses_nothing()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, gatherRule, 1, serving: true, backend.Port);
        using var client = plane.Client();
        using var server = backend.Accept();
        var answer = Sockets.Pattern(64 * 1024 * 1024);
        var sending = Task.Run(() =>
        {
            server.SendTimeout = 0;
            server.Send(answer);
            server.Close();
        });

        var passed = plane.UntilStalled();
        // What the kernel's buffers on the client's side hold (tcp_wmem and tcp_rmem, 6 MB each at most), and one
        // block.
        Assert.InRange(passed, 1, 16 * 1024 * 1024);

        Assert.Equal(answer, client.ReadToEnd().Bytes);
        await sending;
    }

    [Fact]
    public async Task Messages_far_below_any_low_water_go_back_and_forth()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(relay, gatherRule, 1, serving: true, backend.Port);
        using var client = plane.Client();
        foreach (var length in new[] { 1, 700_000, 3, 1, 1, 70_000, 1, 5_000_000, 2, 1, 1 })
        {
            var message = Sockets.Pattern(length);
            var sending = Task.Run(() => client.Send(message));
            Assert.Equal(message, client.Read(length));
            await sending;
        }
    }

    [Fact]
    public async Task A_bulk_stream_does_not_keep_a_small_request_waiting()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(relay, gatherRule, 1, serving: true, backend.Port);
        using var bulk = plane.Client();
        var stop = false;
        var chunk = Sockets.Pattern(256 * 1024);
        var writing = Task.Run(() =>
        {
            while (!Volatile.Read(ref stop))
                bulk.Send(chunk);
            bulk.Shutdown(SocketShutdown.Send);
        });
        var reading = Task.Run(() => bulk.ReadToEnd().Bytes.Length);

        using var small = plane.Client();
        var slowest = 0L;
        for (var i = 0; i < 50; i++)
        {
            var watch = Stopwatch.StartNew();
            small.Send("ping"u8);
            small.Read(4);
            slowest = Math.Max(slowest, watch.ElapsedMilliseconds);
        }

        Volatile.Write(ref stop, true);
        await Task.WhenAll(writing, reading);
        Assert.InRange(slowest, 0, 2_000);
    }

    [Fact]
    public void Urgent_data_neither_stalls_the_bytes_after_it_nor_gets_lost()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, gatherRule, 1, serving: false, backend.Port);
        using var client = plane.Client();
        client.Send("ab"u8);
        client.Send("c"u8, SocketFlags.OutOfBand);
        client.Send("de"u8);
        plane.Plane.Commit();

        using var server = backend.Accept();
        // FTP's ABOR and telnet's interrupt come like this; an urgent byte travels on as an ordinary one.
        Assert.Equal("abcde"u8.ToArray(), server.Read(5));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void An_urgent_byte_that_is_the_last_one_before_the_FIN_arrives(int before)
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, gatherRule, 1, serving: false, backend.Port);
        using var client = plane.Client();
        client.Send("ab"u8[..before]);
        client.Send("c"u8, SocketFlags.OutOfBand);
        client.Shutdown(SocketShutdown.Send);
        plane.Plane.Commit();

        using var server = backend.Accept();
        Assert.Equal([.. "ab"u8[..before], (byte)'c'], server.ReadToEnd().Bytes);
    }

    [Fact]
    public void It_is_counted_how_many_connections_go_through_the_kernel()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(relay, gatherRule, 1, serving: true, backend.Port);
        using (var first = plane.Client())
        using (var second = plane.Client())
        {
            foreach (var client in new[] { first, second })
            {
                client.Send("x"u8);
                client.Read(1);
            }

            // A connection that is no bulk is spliced only where the file says so.
            var (connections, directions) = relay == RelayMode.Splice ? (2, 4) : (0, 0);
            var traffic = plane.Plane.Measure();
            Assert.Equal(connections, traffic.Of(ServiceCounters.SplicedConnections));
            Assert.Equal(directions, traffic.Of(ServiceCounters.SplicedDirections));
        }

        plane.Until(() => plane.Open == 0, "both have ended");
        var after = plane.Plane.Measure();
        Assert.Equal(0, after.Of(ServiceCounters.SplicedConnections));
        Assert.Equal(0, after.Of(ServiceCounters.SplicedDirections));
    }

    [Fact]
    public void Urgent_data_of_a_backend_does_not_stall_either()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, gatherRule, 1, serving: true, backend.Port);
        using var client = plane.Client();
        using var server = backend.Accept();
        for (var i = 0; i < 20; i++)
        {
            server.Send("ab"u8);
            server.Send("c"u8, SocketFlags.OutOfBand);
            server.Send("de"u8);
            var got = client.Read(4);
            Assert.Equal((byte)'a', got[0]);
            if (!got.AsSpan().SequenceEqual("abde"u8))
                client.Read(1);
        }
    }
}

/// <summary>Copying, and splicing bulk transfers.</summary>
public sealed class AutomaticRelaySpecs() : RelaySpecs(RelayMode.Auto);

/// <summary>Every byte through a buffer of the process.</summary>
public sealed class CopyingRelaySpecs() : RelaySpecs(RelayMode.Copy);

/// <summary>Every byte through a pipe in the kernel.</summary>
public sealed class SplicingRelaySpecs() : RelaySpecs(RelayMode.Splice);

/// <summary>Every byte through a pipe, and every stream woken for 256 KiB only, or by the loop's own look.</summary>
public sealed class GatheringRelaySpecs() : RelaySpecs(RelayMode.Splice, new GatherRule(0, 0, 256 * 1024, 2, 2));
