using System.Net;
using System.Net.Sockets;
using System.Text;
using Bal.Application;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Probing;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Integration.Supervision;

/// <summary>Checks that ask, on real sockets: slow, endless, closing and hanging backends.</summary>
public sealed class AskingProbeSpecs : IDisposable
{
    private readonly Reactor reactor = new();
    private readonly TcpListener listening = new(IPAddress.Loopback, 0);

    public AskingProbeSpecs() => listening.Start(1_024);

    public void Dispose()
    {
        listening.Dispose();
        reactor.Dispose();
    }

    [Fact]
    public void An_answer_that_comes_byte_by_byte_is_the_same_answer()
    {
        Start(Pong);
        using var backend = listening.AcceptSocket();
        // The supervisor's turn: it connects, and asks.
        Until(() => backend.Available == 6);
        Assert.Equal("PING\r\n", Heard(backend));
        foreach (var octet in "+PON"u8)
        {
            backend.Send([octet]);
            _ = reactor.Next(reactor.Now.Plus(new Duration(1)));
        }

        backend.Send("G"u8);
        Assert.Equal(Outcome.Success, Ended().Outcome);
        Assert.Equal(0, reactor.TimersPending);
    }

    [Theory]
    [InlineData(ProxyVersion.V1, "PROXY UNKNOWN\r\nPING\r\n")]
    [InlineData(ProxyVersion.V2, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0PING\r\n")]
    public void It_begins_with_a_header_for_nobody_where_one_is_expected(ProxyVersion header, string expected)
    {
        Start(Pong, header);
        using var backend = listening.AcceptSocket();
        Until(() => backend.Available == expected.Length);
        Assert.Equal(expected, Heard(backend));
    }

    [Fact]
    public void Another_port_of_the_host_is_asked_without_a_header()
    {
        using var elsewhere = new TcpListener(IPAddress.Loopback, 0);
        elsewhere.Start();
        Start(Pong with { Port = PortOf(listening) }, ProxyVersion.V1, elsewhere);
        using var backend = listening.AcceptSocket();
        Until(() => backend.Available == 6);
        Assert.Equal("PING\r\n", Heard(backend));
        Assert.False(elsewhere.Pending());
    }

    [Fact]
    public void A_backend_that_talks_without_end_answers_wrongly()
    {
        Start(Pong);
        using var backend = listening.AcceptSocket();
        backend.Send(new byte[100_000]);
        Assert.Equal(FailureKind.WrongAnswer, KindOf(Ended()));
    }

    [Fact]
    public void A_backend_that_says_nothing_has_as_long_as_the_timeout_says()
    {
        Start(Pong, timeout: 50);
        using var backend = listening.AcceptSocket();
        var ended = Ended();
        Assert.Equal(FailureKind.Timeout, KindOf(ended));
        Assert.Equal("expected +PONG, got nothing", ended.Outcome.AnswerGot);
    }

    [Theory]
    [InlineData("", FailureKind.Other)]
    [InlineData("-LOADING Redis is loading\r\n", FailureKind.WrongAnswer)]
    public void A_backend_that_closes_is_judged_by_what_it_said(string answer, FailureKind expected)
    {
        Start(Pong);
        using (var backend = listening.AcceptSocket())
        {
            Until(() => backend.Available == 6);
            _ = Heard(backend);
            backend.Send(Encoding.ASCII.GetBytes(answer));
        }

        Assert.Equal(expected, KindOf(Ended()));
    }

    [Fact]
    public void An_http_answer_is_heard_to_its_end()
    {
        Start(new(CheckType.Http) { Http = HttpQuestion.Default with { Host = "db" } });
        using (var backend = listening.AcceptSocket())
        {
            Until(() => backend.Available > 0);
            Assert.StartsWith("GET / HTTP/1.1\r\nHost: db\r\n", Heard(backend), StringComparison.Ordinal);
            backend.Send("HTTP/1.1 200 OK\r\n\r\n"u8);
            _ = reactor.Next(reactor.Now.Plus(new Duration(1)));
            // A reset would show that bal did not wait.
            backend.Send(new byte[1_000]);
        }

        Assert.Equal(Outcome.Success, Ended().Outcome);
    }

    private static HealthCheck Pong => new(CheckType.Exchange)
    {
        Exchange = Prelude.Array(new ExchangeStep(
            Secret.Of(Octets.Of("PING\r\n"u8)), Octets.Of("+PONG"u8), AtStart: true)),
    };

    private void Start(
        HealthCheck check, ProxyVersion header = ProxyVersion.None, TcpListener? at = null, long timeout = 20_000) =>
        new Prober(reactor, new Resolver(reactor), 16, OwnAddresses.None, (_, _) => { }).Start(new(
            new BackendId(1), Prelude.Array(IPAddress.Loopback), PortOf(at ?? listening), new Duration(timeout))
        {
            Check = check,
            Header = header,
        });

    private static int PortOf(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;

    private static string Heard(Socket backend)
    {
        var bytes = new byte[backend.Available];
        return Encoding.Latin1.GetString(bytes, 0, backend.Receive(bytes));
    }

    private static FailureKind? KindOf(ControlEvent.ProbeEnded ended) =>
        ended.Outcome.Match(() => (FailureKind?)null, kind => kind);

    // Gives the supervisor its turns until the other side sees what it wants.
    private void Until(Func<bool> holds)
    {
        for (var turns = 0; !holds(); turns++)
        {
            Assert.True(turns < 20_000, "it never comes to that");
            Assert.True(reactor.Next(reactor.Now.Plus(new Duration(1))).IsNone);
        }
    }

    private ControlEvent.ProbeEnded Ended() => Assert.IsType<ControlEvent.ProbeEnded>(
        Assert.IsType<SupervisorInput.Happened>(reactor.Next(reactor.Now.Plus(new Duration(20_000)))
            .IfNone(() => throw new TimeoutException("nothing happens"))).Event);
}
