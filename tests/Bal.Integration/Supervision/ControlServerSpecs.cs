using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Bal.Infrastructure.Hosting;
using Bal.Infrastructure.Reacting;
using Bal.Integration.Process;

namespace Bal.Integration.Supervision;

/// <summary>
/// No client of the control socket can keep the supervisor from its work, whatever it does or leaves undone.
/// </summary>
public sealed class ControlServerSpecs : IDisposable
{
    private readonly TempDirectory directory = new();
    private readonly Reactor reactor = new();
    private readonly ControlServer server;
    private readonly List<string> requests = [];
    private readonly List<Action<byte[]>> delayed = [];
    private byte[] answer = "{}\n"u8.ToArray();

    public ControlServerSpecs() => server = ControlServer.Open(reactor, Path, (request, _, reply) =>
    {
        requests.Add(request);
        if (request == "slow")
            delayed.Add(reply);
        else
            reply(answer);
    }).Match(Right: s => s, Left: p => throw new InvalidOperationException(p.ToText()));

    private string Path => directory.File("bal.sock");

    public void Dispose()
    {
        server.Dispose();
        reactor.Dispose();
        directory.Dispose();
    }

    [Theory]
    [InlineData("status\n")]
    [InlineData("  status \r\n")]
    public void A_line_is_a_request_and_the_end_of_the_connection_the_end_of_the_answer(string request)
    {
        using var client = Connect();
        client.Send(Encoding.UTF8.GetBytes(request));
        Assert.Equal("{}\n", ReadAll(client));
        Assert.Equal(["status"], requests);
    }

    [Fact]
    public void A_directory_in_its_place_is_named_as_the_cause()
    {
        var taken = directory.File("taken.sock");
        Directory.CreateDirectory(taken);

        var problem = ControlServer.Open(reactor, taken, (_, _, _) => { }).Match(
            Right: _ => throw new InvalidOperationException("it was opened"), Left: p => p);

        Assert.Equal($"{taken} is a directory, and bal needs that name for its control socket", problem.WhatHappened);
    }

    [Fact]
    public void A_FIN_ends_a_request_too_as_netcat_sends_it()
    {
        using var client = Connect();
        client.Send("status"u8);
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal("{}\n", ReadAll(client));
        Assert.Equal(["status"], requests);
    }

    [Fact]
    public void A_request_without_end_is_answered_with_an_error_and_not_stored()
    {
        using var client = Connect();
        client.Send(Encoding.ASCII.GetBytes(new string('x', 5_000)));
        Assert.Contains("longer than", ReadAll(client), StringComparison.Ordinal);
        Assert.Empty(requests);
    }

    [Fact]
    public void A_silent_client_is_let_go_after_five_seconds()
    {
        using var client = Connect();
        var watch = Stopwatch.StartNew();
        Assert.Equal("", ReadAll(client));
        Assert.InRange(watch.ElapsedMilliseconds, 4_900, 9_000);
    }

    [Fact]
    public void A_client_that_never_reads_its_answer_is_let_go_and_others_are_served_meanwhile()
    {
        answer = new byte[4_000_000];
        using var deaf = Connect();
        deaf.Send("status\n"u8);
        Turn(200);
        answer = "{}\n"u8.ToArray();
        using var client = Connect();
        client.Send("status\n"u8);
        Assert.Equal("{}\n", ReadAll(client));
        Turn(6_000);
        Assert.InRange(ReadAll(deaf).Length, 0, 3_999_999);
    }

    [Fact]
    public void More_clients_than_are_served_at_once_are_turned_away_and_leave_no_trace()
    {
        var crowd = Enumerable.Range(0, ControlServer.MaxClients + 8).Select(_ =>
        {
            var client = Connect();
            Turn(5);
            return client;
        }).ToArray();
        foreach (var client in crowd)
            client.Dispose();
        Turn(100);
        using var next = Connect();
        next.Send("status\n"u8);
        Assert.Equal("{}\n", ReadAll(next));
    }

    [Fact]
    public void A_crowd_that_comes_after_a_request_does_not_push_out_who_made_it()
    {
        using var asks = Connect();
        Turn(5);
        asks.Send("status\n"u8);
        var crowd = Enumerable.Range(0, ControlServer.MaxClients).Select(_ => Connect()).ToArray();

        Assert.Equal("{}\n", ReadAll(asks));
        foreach (var client in crowd)
            client.Dispose();
    }

    [Fact]
    public void While_everybody_waits_for_an_answer_the_next_one_waits_at_the_door_and_is_served_then()
    {
        var waiting = Enumerable.Range(0, ControlServer.MaxClients).Select(_ => Asking("slow\n")).ToArray();
        Turn(20);
        Assert.Equal(ControlServer.MaxClients, delayed.Count);
        using var next = Asking("status\n");
        Turn(20);
        Assert.DoesNotContain("status", requests);

        foreach (var reply in delayed)
            reply(answer);
        Assert.All(waiting, client => Assert.Equal("{}\n", ReadAll(client)));
        Assert.Equal("{}\n", ReadAll(next));
        foreach (var client in waiting)
            client.Dispose();
    }

    [Fact]
    public void A_full_house_of_clients_that_read_nothing_gives_way_after_a_second()
    {
        answer = new byte[4_000_000];
        var deaf = Enumerable.Range(0, ControlServer.MaxClients).Select(_ => Asking("status\n")).ToArray();
        Turn(50);
        answer = "{}\n"u8.ToArray();
        var watch = Stopwatch.StartNew();
        using var next = Asking("status\n");

        Assert.Equal("{}\n", ReadAll(next));
        // Its own patience would end only after five.
        Assert.InRange(watch.ElapsedMilliseconds, 0, 4_000);
        foreach (var client in deaf)
            client.Dispose();
    }

    [Fact]
    public void Thousands_that_come_and_go_leave_no_timer_behind()
    {
        for (var i = 0; i < 2_000; i++)
        {
            using var client = Asking("status\n");
            Assert.True(Turned(() => requests.Count > i));
        }

        Assert.InRange(reactor.TimersPending, 0, 2);
    }

    private Socket Asking(string request)
    {
        var client = Connect();
        client.Send(Encoding.UTF8.GetBytes(request));
        // The queue of the socket is as short as the number of clients: a full one would refuse the next.
        Turn(0);
        return client;
    }

    private bool Turned(Func<bool> until)
    {
        for (var turns = 0; turns < 1_000 && !until(); turns++)
            Turn(1);
        return until();
    }

    private Socket Connect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(Path));
        return socket;
    }

    private void Turn(long ms) => reactor.Next(reactor.Now.Plus(new Duration(ms)));

    private string ReadAll(Socket client)
    {
        var all = new MemoryStream();
        var reading = Task.Run(() =>
        {
            var chunk = new byte[64 * 1024];
            try
            {
                for (int read; (read = client.Receive(chunk)) > 0;)
                    all.Write(chunk, 0, read);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
            {
                // Closed with a part of the request unread; what had been answered has arrived.
            }
        });
        var patience = Stopwatch.StartNew();
        while (!reading.IsCompleted && patience.ElapsedMilliseconds < 15_000)
            Turn(20);
        Assert.True(reading.IsCompleted, "the connection was not closed");
        return Encoding.UTF8.GetString(all.ToArray());
    }
}
