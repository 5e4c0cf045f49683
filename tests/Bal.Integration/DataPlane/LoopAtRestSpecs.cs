using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Bal.Domain.Config;

namespace Bal.Integration.DataPlane;

/// <summary>A loop that has nothing to do sleeps, whatever it has done before.</summary>
public sealed partial class LoopAtRestSpecs
{
    private const int MeasuredMs = 300;

    [Fact]
    public void A_loop_without_any_client_sleeps()
    {
        using var plane = new LivePlane(1);
        AssertSleeps(plane);
    }

    [Theory]
    [InlineData(RelayMode.Copy)]
    [InlineData(RelayMode.Splice)]
    public void A_loop_whose_clients_are_silent_sleeps(RelayMode relay)
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(relay, 1, serving: true, backend.Port);
        using var client = plane.Client();
        client.Send("x"u8);
        client.Read(1);
        AssertSleeps(plane);
    }

    [Fact]
    public async Task A_loop_whose_stream_at_full_speed_has_become_silent_sleeps()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(
            RelayMode.Splice, new(0, 0, 256 * 1024, 2, 2), 1, serving: true, backend.Port);
        using var client = plane.Client();
        var bytes = Sockets.Pattern(5_000_000);
        var sending = Task.Run(() => client.Send(bytes));
        Assert.Equal(bytes, client.Read(bytes.Length));
        await sending;
        client.Dispose();
        plane.Until(() => plane.Open == 0, "the stream has ended");
        AssertSleeps(plane);
    }

    [Fact]
    public void A_loop_that_has_turned_clients_away_sleeps_once_that_is_told()
    {
        using var plane = new LivePlane(1);
        plane.Tune(t => t with { MaxConcurrentConnections = 0 });
        using (var client = plane.Client())
            Assert.True(client.ReadToEnd().Reset);
        AssertSleeps(plane);
    }

    [Fact]
    public void A_loop_whose_listener_has_been_succeeded_sleeps()
    {
        using var plane = new LivePlane(1);
        Assert.True(plane.Plane.Prepare(LivePlane.ConfigOf(Ports.Free())).IsRight);
        plane.Plane.Commit();
        AssertSleeps(plane);
    }

    [Fact]
    public void A_listener_that_comes_while_the_loops_rest_lets_its_clients_wait_and_nothing_spins()
    {
        using var backend = new Backend().Echoing();
        using var plane = new LivePlane(1, backend.Port);
        var resting = false;
        plane.Plane.Rest(() => resting = true);
        plane.Until(() => resting, "the loop rests");
        var port = Ports.Free();
        Assert.True(plane.Plane.Prepare(LivePlane.ConfigOf(port)).IsRight);
        plane.Plane.Commit();
        plane.Settle();
        using var client = Sockets.Connect(port);
        client.Send("x"u8);
        AssertSleeps(plane);

        plane.Plane.Resume();
        client.Read(1);
    }

    [Fact]
    public void A_loop_that_was_out_of_descriptors_sleeps_once_it_has_some_again()
    {
        using var plane = new LivePlane(1);
        using var table = DescriptorTable.Of(plane);
        using var client = Sockets.New();
        using (table.Full())
        {
            client.Connect(System.Net.IPAddress.Loopback, plane.Port);
            plane.Until(() => plane.Events.Count > 0, "the exhaustion is told");
        }

        Assert.True(client.ReadToEnd().Reset);
        AssertSleeps(plane);
    }

    [Fact]
    public void A_loop_without_descriptors_does_not_spin_while_clients_wait()
    {
        using var plane = new LivePlane(1);
        using var table = DescriptorTable.Of(plane);
        using var client = Sockets.New();
        using (table.Full(withoutReserve: true))
        {
            client.Connect(System.Net.IPAddress.Loopback, plane.Port);
            plane.Until(() => plane.Events.Count > 0, "the exhaustion is told");
            AssertSleeps(plane);
        }
    }

    [Fact]
    public void A_loop_that_has_most_of_a_long_header_sleeps_until_more_of_it_comes()
    {
        using var backend = new Backend();
        using var plane = ProxyProtocolSpecs.Plane(ProxyProtocolSpecs.Trust("127.0.0.1"), backend);
        using var client = plane.Client();
        client.Send([.. "\r\n\r\n\0\r\nQUIT\n"u8, 0x21, 0x11, 0xff, 0xff]);
        plane.Until(() => plane.Open == 1, "it is accepted");
        // So much, in such small parts, that hardly anything else finds room: then the kernel reports it all the same.
        for (var i = 0; i < 650; i++)
            client.Send(new byte[100]);
        AssertSleeps(plane);
    }

    private static void AssertSleeps(LivePlane plane)
    {
        var thread = ThreadOf(plane);
        plane.Settle();
        var (wakes, busy) = (thread.Wakes(), thread.BusyMs());
        var watch = Stopwatch.StartNew();
        // Not a wait for something: the silence is what is measured.
        Thread.Sleep(MeasuredMs);

        var (woken, worked) = (thread.Wakes() - wakes, thread.BusyMs() - busy);
        Assert.InRange(woken, 0, 30);
        Assert.InRange(worked, 0, watch.ElapsedMilliseconds / 2);
    }

    private static LoopThread ThreadOf(LivePlane plane)
    {
        var id = 0;
        plane.Plane.OnEveryLoop(() => Volatile.Write(ref id, gettid()));
        plane.Until(() => Volatile.Read(ref id) != 0, "the loop has said who it is");
        return new LoopThread($"/proc/self/task/{id}");
    }

    [LibraryImport("libc")]
    private static partial int gettid();

    private sealed record LoopThread(string Folder)
    {
        /// <summary>How often it has gone to sleep (proc(5), voluntary_ctxt_switches).</summary>
        public long Wakes() => File.ReadLines($"{Folder}/status")
            .Where(line => line.StartsWith("voluntary_ctxt_switches:", StringComparison.Ordinal))
            .Select(line => long.Parse(line.Split('\t')[1], CultureInfo.InvariantCulture))
            .Single();

        /// <summary>Milliseconds on a CPU or waiting for one, as on a busy machine (/proc/pid/schedstat).</summary>
        public long BusyMs() => File.ReadAllText($"{Folder}/schedstat").Split(' ').Take(2)
            .Sum(nanoseconds => long.Parse(nanoseconds, CultureInfo.InvariantCulture)) / 1_000_000;
    }
}
