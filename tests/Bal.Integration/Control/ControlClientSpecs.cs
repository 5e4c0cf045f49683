using System.Net.Sockets;
using System.Text;
using Bal.Infrastructure.Control;
using Bal.Integration.Process;

namespace Bal.Integration.Control;

/// <summary>
/// A daemon that is not there, does not listen, says nothing or says too much is each told apart, in bounded time.
/// </summary>
public sealed class ControlClientSpecs : IDisposable
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(200);
    private readonly TempDirectory _place = new();

    private string PathOf => _place.File("bal.sock");

    public void Dispose() => _place.Dispose();

    [Fact]
    public void No_socket_and_nobody_behind_it_both_mean_not_running()
    {
        Assert.Equal(ControlClient.Missing, Ask(Short));
        // A socket deletes its file when it is closed, unless that is elsewhere at that moment: then it is left over.
        using (Listen()) File.Move(PathOf, PathOf + ".left");
        File.Move(PathOf + ".left", PathOf);
        Assert.Equal(ControlClient.Refused, Ask(Short));
        File.Delete(PathOf);
        File.WriteAllText(PathOf, "no socket");
        Assert.Equal(ControlClient.Refused, Ask(Short));
    }

    [Fact]
    public void A_daemon_that_accepts_but_never_answers_is_silent_and_not_absent()
    {
        using var listener = Listen();

        Assert.Equal("control_silent", Ask(Short));
    }

    [Fact]
    public async Task An_answer_that_drips_has_the_same_deadline()
    {
        using var listener = Listen();
        using var stop = new CancellationTokenSource();
        var drip = Serve(listener, socket =>
        {
            while (!stop.IsCancellationRequested) socket.Send("x"u8);
        });

        Assert.Contains(Ask(TimeSpan.FromSeconds(1)), (string[])["control_silent", "control_answer_too_large"]);
        await stop.CancelAsync();
        await drip.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task One_line_goes_there_and_everything_until_the_end_comes_back()
    {
        using var listener = Listen();
        var request = new byte[64];
        var length = 0;
        var daemon = Serve(listener, socket =>
        {
            length = socket.Receive(request);
            socket.Send("{\"a\":"u8);
            socket.Send("\"ü\"}"u8);
        });

        Assert.Equal("{\"a\":\"ü\"}", Ask(TimeSpan.FromSeconds(10)));
        await daemon.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal("status\n", Encoding.UTF8.GetString(request, 0, length));
    }

    [Fact]
    public async Task A_connection_closed_without_an_answer_and_an_endless_answer_are_problems()
    {
        using var listener = Listen();
        var hangUp = Serve(listener, socket => socket.Receive(new byte[64]));
        Assert.Equal("control_no_answer", Ask(TimeSpan.FromSeconds(10)));
        await hangUp.WaitAsync(TimeSpan.FromSeconds(10));

        var flood = Serve(listener, socket =>
        {
            var part = new byte[64 * 1024];
            for (var sent = 0; sent <= ControlClient.MaxAnswer; sent += part.Length)
                socket.Send(part);
        });
        Assert.Equal("control_answer_too_large", Ask(TimeSpan.FromSeconds(10)));
        await flood.WaitAsync(TimeSpan.FromSeconds(10));
    }

    private string Ask(TimeSpan patience) => ControlClient.Ask(PathOf, "status", patience).Match(
        Right: answer => answer,
        Left: problem =>
        {
            var absent = problem.Code is ControlClient.Missing or ControlClient.Refused;
            Assert.Equal(absent, problem.WhatHappened.Contains("not running", StringComparison.Ordinal));
            return problem.Code;
        });

    private Socket Listen()
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(PathOf));
        listener.Listen();
        return listener;
    }

    // Whatever the client does, the daemon's side ends without a fault of the test.
    private static Task Serve(Socket listener, Action<Socket> answer) => Task.Run(() =>
    {
        using var socket = listener.Accept();
        try
        {
            answer(socket);
        }
        catch (SocketException)
        {
        }
    });
}
