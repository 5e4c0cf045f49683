using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Bal.Domain.Config;
using Bal.Domain.Counting;

namespace Bal.Integration.DataPlane;

/// <summary>A receiver whose buffers are full when the sender finishes, resets, or goes on.</summary>
public abstract class BackPressureSpecs(RelayMode relay)
{
    private const int Chunk = 16 * 1024;

    private static readonly byte[] Plenty = Sockets.Pattern(16 * 1024 * 1024);

    [Fact]
    public void A_FIN_of_the_backend_that_meets_a_full_send_buffer_follows_the_bytes_that_wait()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, 1, serving: true, backend.Port);
        using var client = SlowReader(plane);
        using var server = backend.Accept();
        var sent = FillUp(server, () => plane.Plane.Measure().Backends[0].BytesOut);
        var end = BalsEnd.Of(server);
        server.Shutdown(SocketShutdown.Send);
        end.UntilFinished();

        var got = client.ReadToEnd();
        Assert.False(got.Reset);
        Assert.True(Plenty.AsSpan(0, sent).SequenceEqual(got.Bytes), "every byte, in order");
        client.Shutdown(SocketShutdown.Send);
        Assert.False(server.ReadToEnd().Reset);
        plane.UntilEnded(TerminationReason.Completed);
    }

    [Fact]
    public void A_FIN_of_the_client_that_meets_a_full_send_buffer_follows_the_bytes_that_wait()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, 1, serving: true, backend.Port);
        using var client = plane.Client();
        using var server = backend.Accept();
        var sent = FillUp(client, () => plane.Plane.Measure().Backends[0].BytesIn);
        var end = BalsEnd.Of(client);
        client.Shutdown(SocketShutdown.Send);
        end.UntilFinished();

        var got = server.ReadToEnd();
        Assert.False(got.Reset);
        Assert.True(Plenty.AsSpan(0, sent).SequenceEqual(got.Bytes), "every byte, in order");
        server.Send("thanks"u8);
        server.Shutdown(SocketShutdown.Send);
        Assert.Equal("thanks"u8.ToArray(), client.ReadToEnd().Bytes);
        plane.UntilEnded(TerminationReason.Completed);
    }

    [Fact]
    public void A_full_direction_does_not_hold_up_the_other_one()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, 1, serving: true, backend.Port);
        using var client = SlowReader(plane);
        using var server = backend.Accept();
        var sent = FillUp(server, () => plane.Plane.Measure().Backends[0].BytesOut);
        for (var length = 1; length < 100_000; length *= 7)
        {
            var request = Sockets.Pattern(length);
            client.Send(request);
            Assert.Equal(request, server.Read(length));
        }

        Assert.True(Plenty.AsSpan(0, sent).SequenceEqual(client.Read(sent)), "every byte, in order");
    }

    [Fact]
    public void An_RST_waits_a_second_for_a_reader_that_takes_nothing_and_no_longer()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, 1, serving: true, backend.Port);
        using var client = SlowReader(plane);
        using var server = backend.Accept();
        FillUp(server, () => plane.Plane.Measure().Backends[0].BytesOut);
        var watch = Stopwatch.StartNew();
        server.Reset();

        plane.UntilEnded(TerminationReason.BackendReset);
        Assert.InRange(watch.ElapsedMilliseconds, 990, 15_000);
        Assert.True(client.ReadToEnd().Reset);
    }

    [Fact]
    public void An_RST_waits_as_long_for_bytes_that_only_the_kernel_holds()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, 1, serving: true, backend.Port);
        using var client = SlowReader(plane);
        using var server = backend.Accept();
        // More than the client's window takes, and less than bal's send buffer.
        var answer = Sockets.Pattern(60_000);
        server.Send(answer);
        plane.Until(() => plane.Plane.Measure().Backends[0].BytesOut == answer.Length, "bal has passed it on");
        var watch = Stopwatch.StartNew();
        server.Reset();

        plane.UntilEnded(TerminationReason.BackendReset);
        Assert.InRange(watch.ElapsedMilliseconds, 990, 15_000);
        Assert.True(client.ReadToEnd().Reset);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_idle_timeout_that_meets_bytes_that_wait_does_not_look_like_the_end_of_them(bool down)
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, 1, serving: true, backend.Port);
        using var client = SlowReader(plane);
        using var server = backend.Accept();
        var (sender, receiver) = down ? (server, client) : (client, server);
        var sent = FillUp(
            sender,
            () => down ? plane.Plane.Measure().Backends[0].BytesOut : plane.Plane.Measure().Backends[0].BytesIn);
        plane.Tune(t => t with { IdleTimeout = new(1) });

        plane.UntilEnded(TerminationReason.IdleTimeout);
        var got = receiver.ReadToEnd();
        Assert.True(got.Reset);
        Assert.True(got.Bytes.Length < sent);
    }

    [Fact]
    public void An_RST_of_a_reader_that_took_nothing_reaches_the_sender()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, 1, serving: true, backend.Port);
        using var client = SlowReader(plane);
        using var server = backend.Accept();
        FillUp(server, () => plane.Plane.Measure().Backends[0].BytesOut);
        client.Reset();

        Assert.True(server.ReadToEnd().Reset);
        plane.UntilEnded(TerminationReason.ClientReset);
    }

    private static Socket SlowReader(LivePlane plane)
    {
        var client = Sockets.New();
        client.ReceiveBufferSize = 8 * 1024;
        client.Connect(IPAddress.Loopback, plane.Port);
        return client;
    }

    /// <summary>
    /// Sends until bal, which nobody reads from, reads no more; how many bytes. Little of it waits in front of bal, so
    /// that what comes next reaches bal at once.
    /// </summary>
    private static int FillUp(Socket sender, Func<long> taken)
    {
        var end = BalsEnd.Of(sender);
        for (var sent = 0; sent + Chunk <= Plenty.Length;)
        {
            sent += sender.Send(Plenty, sent, Chunk, SocketFlags.None);
            if (!SpinWait.SpinUntil(() => taken() == sent, 200) && end.Unread > 0)
                return sent;
        }

        throw new InvalidOperationException("bal holds more than it should");
    }
}

/// <summary>Copying, and splicing bulk transfers.</summary>
public sealed class AutomaticBackPressureSpecs() : BackPressureSpecs(RelayMode.Auto);

/// <summary>Every byte through a buffer of the process.</summary>
public sealed class CopyingBackPressureSpecs() : BackPressureSpecs(RelayMode.Copy);

/// <summary>Every byte through a pipe in the kernel.</summary>
public sealed class SplicingBackPressureSpecs() : BackPressureSpecs(RelayMode.Splice);
