using System.Net.Sockets;
using Bal.Domain.Config;
using Bal.Domain.Counting;

namespace Bal.Integration.DataPlane;

/// <summary>
/// What happens while a loop looks elsewhere reaches it in one batch: bytes together with the end that follows them,
/// both sides of a session, events of a session that has just ended.
/// </summary>
public abstract class BatchSpecs(RelayMode relay)
{
    [Theory]
    [InlineData(1)]
    [InlineData(50_000)]
    public void Bytes_and_an_RST_of_the_backend_in_one_batch_lose_no_byte(int length)
    {
        using var scene = new Scene(relay);
        var answer = Sockets.Pattern(length);
        using (scene.Plane.Hold())
        {
            scene.Server.Send(answer);
            scene.ToServer.UntilUnread(length);
            scene.Server.Reset();
            scene.ToServer.UntilReset();
        }

        var got = scene.Client.ReadToEnd();
        Assert.True(got.Reset, "a broken answer must not look like a complete one");
        Assert.Equal(answer, got.Bytes);
        scene.Plane.UntilEnded(TerminationReason.BackendReset);
        Assert.Equal(length, scene.Plane.Plane.Measure().Backends[0].BytesOut);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(50_000)]
    public void Bytes_and_an_RST_of_the_client_in_one_batch_lose_no_byte(int length)
    {
        using var scene = new Scene(relay);
        var request = Sockets.Pattern(length);
        using (scene.Plane.Hold())
        {
            scene.Client.Send(request);
            scene.ToClient.UntilUnread(length);
            scene.Client.Reset();
            scene.ToClient.UntilReset();
        }

        var got = scene.Server.ReadToEnd();
        Assert.True(got.Reset);
        Assert.Equal(request, got.Bytes);
        scene.Plane.UntilEnded(TerminationReason.ClientReset);
        Assert.Equal(length, scene.Plane.Plane.Measure().Backends[0].BytesIn);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(32 * 1024)]
    [InlineData(50_000)]
    public void Bytes_and_a_FIN_in_one_batch_are_a_complete_answer(int length)
    {
        using var scene = new Scene(relay);
        var answer = Sockets.Pattern(length);
        using (scene.Plane.Hold())
        {
            scene.Server.Send(answer);
            scene.Server.Shutdown(SocketShutdown.Send);
            scene.ToServer.UntilUnread(length);
            scene.ToServer.UntilFinished();
        }

        var got = scene.Client.ReadToEnd();
        Assert.False(got.Reset);
        Assert.Equal(answer, got.Bytes);
        Assert.Equal(1, scene.Plane.Open);
        scene.Client.Close();
        Assert.Empty(scene.Server.ReadToEnd().Bytes);
        scene.Plane.UntilEnded(TerminationReason.Completed);
    }

    [Fact]
    public void Both_sides_that_speak_in_one_batch_are_both_heard()
    {
        using var scene = new Scene(relay);
        for (var round = 1; round <= 20; round++)
        {
            var (request, answer) = (Sockets.Pattern(round * 997), Sockets.Pattern(round * 1_499));
            using (scene.Plane.Hold())
            {
                scene.Client.Send(request);
                scene.Server.Send(answer);
                scene.ToClient.UntilUnread(request.Length);
                scene.ToServer.UntilUnread(answer.Length);
            }

            Assert.Equal(request, scene.Server.Read(request.Length));
            Assert.Equal(answer, scene.Client.Read(answer.Length));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40_000)]
    public void Both_sides_that_finish_in_one_batch_get_everything_and_end_the_session_once(int length)
    {
        using var scene = new Scene(relay);
        var bytes = Sockets.Pattern(length);
        using (scene.Plane.Hold())
        {
            scene.Client.Send(bytes);
            scene.Client.Shutdown(SocketShutdown.Send);
            scene.Server.Send(bytes);
            scene.Server.Shutdown(SocketShutdown.Send);
            scene.ToClient.UntilUnread(length);
            scene.ToClient.UntilFinished();
            scene.ToServer.UntilUnread(length);
            scene.ToServer.UntilFinished();
        }

        var (toServer, toClient) = (scene.Server.ReadToEnd(), scene.Client.ReadToEnd());
        Assert.False(toServer.Reset || toClient.Reset);
        Assert.Equal(bytes, toServer.Bytes);
        Assert.Equal(bytes, toClient.Bytes);
        scene.Plane.UntilEnded(TerminationReason.Completed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_event_of_a_session_that_has_ended_in_the_same_batch_does_nothing(bool clientFirst)
    {
        using var scene = new Scene(relay);
        using (scene.Plane.Hold())
        {
            if (clientFirst)
                Leave();
            scene.Server.Send("nobody hears it"u8);
            scene.Server.Shutdown(SocketShutdown.Send);
            scene.ToServer.UntilFinished();
            if (!clientFirst)
                Leave();
        }

        Assert.True(scene.Server.ReadToEnd().Reset);
        scene.Plane.UntilEnded(TerminationReason.ClientReset);
        scene.ServesAnother();

        void Leave()
        {
            scene.Client.Reset();
            scene.ToClient.UntilReset();
        }
    }

    [Fact]
    public void Two_RSTs_in_one_batch_end_the_session_once()
    {
        using var scene = new Scene(relay);
        using (scene.Plane.Hold())
        {
            scene.Server.Send("last words"u8);
            scene.Server.Reset();
            scene.ToServer.UntilReset();
            scene.Client.Reset();
            scene.ToClient.UntilReset();
        }

        scene.Plane.UntilEnded(TerminationReason.BackendReset);
        scene.ServesAnother();
    }

    [Fact]
    public void A_FIN_of_one_side_and_an_RST_of_the_other_in_one_batch_are_a_reset()
    {
        using var scene = new Scene(relay);
        using (scene.Plane.Hold())
        {
            scene.Client.Send("request"u8);
            scene.Client.Shutdown(SocketShutdown.Send);
            scene.ToClient.UntilFinished();
            scene.Server.Reset();
            scene.ToServer.UntilReset();
        }

        Assert.True(scene.Client.ReadToEnd().Reset);
        scene.Plane.UntilEnded(TerminationReason.BackendReset);
        scene.ServesAnother();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    public void Clients_that_come_and_go_in_one_batch_are_all_seen_off(int bytes)
    {
        const int Clients = 10;
        using var scene = new Scene(relay);
        using (scene.Plane.Hold())
        {
            for (var i = 0; i < Clients; i++)
            {
                using var client = scene.Plane.Client();
                var end = BalsEnd.Of(client);
                client.Send(Sockets.Pattern(bytes));
                end.UntilUnread(bytes);
                client.Shutdown(SocketShutdown.Send);
                end.UntilFinished();
            }
        }

        for (var i = 0; i < Clients; i++)
        {
            using var server = scene.Backend.Accept();
            Assert.Equal(Sockets.Pattern(bytes), server.ReadToEnd().Bytes);
        }

        scene.Client.Close();
        scene.Server.Close();
        scene.Plane.UntilEnded(TerminationReason.Completed, Clients + 1);
    }

    /// <summary>One session through one loop, established and at rest.</summary>
    private sealed class Scene : IDisposable
    {
        public Scene(RelayMode relay)
        {
            Plane = new LivePlane(relay, 1, serving: true, Backend.Port);
            Client = Plane.Client();
            Server = Backend.Accept();
            (ToClient, ToServer) = (BalsEnd.Of(Client), BalsEnd.Of(Server));
            Plane.UntilEstablished(1);
        }

        public Backend Backend { get; } = new();

        public LivePlane Plane { get; }

        public Socket Client { get; }

        public Socket Server { get; }

        public BalsEnd ToClient { get; }

        public BalsEnd ToServer { get; }

        /// <summary>A further client finds the place, the memory and the descriptors in order.</summary>
        public void ServesAnother()
        {
            using var client = Plane.Client();
            using var server = Backend.Accept();
            client.Send("ping"u8);
            Assert.Equal("ping"u8.ToArray(), server.Read(4));
            server.Send("pong"u8);
            Assert.Equal("pong"u8.ToArray(), client.Read(4));
        }

        public void Dispose()
        {
            Client.Dispose();
            Server.Dispose();
            Plane.Dispose();
            Backend.Dispose();
        }
    }
}

/// <summary>Copying, and splicing bulk transfers.</summary>
public sealed class AutomaticBatchSpecs() : BatchSpecs(RelayMode.Auto);

/// <summary>Every byte through a buffer of the process.</summary>
public sealed class CopyingBatchSpecs() : BatchSpecs(RelayMode.Copy);

/// <summary>Every byte through a pipe in the kernel.</summary>
public sealed class SplicingBatchSpecs() : BatchSpecs(RelayMode.Splice);
