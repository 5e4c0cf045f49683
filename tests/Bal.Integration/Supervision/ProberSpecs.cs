using System.Net;
using System.Net.Sockets;
using System.Text;
using Bal.Application;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Relay;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Probing;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Integration.Supervision;

/// <summary>
/// Probes and lookups take turns, a bounded number of descriptors and threads, and never the supervisor's time.
/// </summary>
public sealed class ProberSpecs : IDisposable
{
    private readonly Reactor reactor = new();
    private readonly TcpListener listening = new(IPAddress.Loopback, 0);
    private readonly TcpListener silent = new(IPAddress.Loopback, 0);

    private readonly List<(int Backend, long Ms)> timed = [];

    public ProberSpecs()
    {
        listening.Start(1_024);
        silent.Start();
        Assert.True(Sockets.DropNewHandshakes((int)silent.Server.Handle));
    }

    public void Dispose()
    {
        listening.Dispose();
        silent.Dispose();
        reactor.Dispose();
    }

    [Fact]
    public void So_many_probes_are_in_flight_at_most_and_the_others_have_their_turn_in_order()
    {
        var prober = ProberOf(most: 16);
        for (var i = 0; i < 100; i++)
            prober.Start(Probe(i, listening));
        Assert.Equal(16, prober.InFlight);

        for (var i = 0; i < 100; i++)
        {
            var ended = Ended();
            Assert.Equal(Outcome.Success, ended.Outcome);
            // Answers of those in flight together come in any order.
            Assert.InRange(ended.Backend.Value, i - 32, i + 32);
            Assert.InRange(prober.InFlight, 0, 16);
        }

        Assert.Equal(0, prober.InFlight);
        Assert.Equal(0, reactor.TimersPending);
        Assert.Equal(Enumerable.Range(0, 100), timed.Select(t => t.Backend).Order());
    }

    [Fact]
    public void A_probe_that_is_not_answered_has_taken_its_timeout_and_one_that_cannot_be_made_no_time()
    {
        ProberOf(most: 16).Start(Probe(7, silent, timeout: 300));
        Assert.Equal(Outcome.Failure(FailureKind.Timeout), Ended().Outcome);

        ProberOf(most: 16).Start(Probe(8, listening) with { Addresses = Arr<IPAddress>.Empty });
        Assert.Equal(Outcome.Failure(FailureKind.Local), Ended().Outcome);

        var (backend, ms) = Assert.Single(timed);
        Assert.Equal(7, backend);
        Assert.InRange(ms, 300, 20_000);
    }

    [Theory]
    [InlineData(CheckType.Tcp, 0)]
    [InlineData(CheckType.TcpFull, 200)]
    public void Only_a_whole_connection_is_seen_by_accept(CheckType type, int expected)
    {
        var prober = ProberOf(most: 16);
        for (var i = 0; i < 200; i++)
            prober.Start(Probe(i, listening) with { Check = new(type) });
        for (var i = 0; i < 200; i++)
            Assert.Equal(Outcome.Success, Ended().Outcome);

        // On loopback a handshake that is complete is in the queue before connect(2) has even returned.
        var seen = 0;
        for (; listening.Pending(); seen++)
            listening.AcceptSocket().Dispose();
        Assert.Equal(expected, seen);
    }

    [Theory]
    [InlineData(CheckType.TcpFull, ProxyVersion.None, "")]
    [InlineData(CheckType.TcpFull, ProxyVersion.V1, "PROXY UNKNOWN\r\n")]
    [InlineData(CheckType.TcpFull, ProxyVersion.V2, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0")]
    public void A_check_that_is_seen_begins_with_a_header_for_nobody_where_one_is_expected(
        CheckType type, ProxyVersion header, string expected)
    {
        ProberOf(most: 1).Start(Probe(1, listening) with { Check = new(type), Header = header });
        Assert.Equal(Outcome.Success, Ended().Outcome);

        using var seen = listening.AcceptSocket();
        var bytes = new byte[64];
        var (read, length) = (0, 0);
        while ((read = seen.Receive(bytes, length, bytes.Length - length, SocketFlags.None)) > 0)
            length += read;
        Assert.Equal(expected, Encoding.ASCII.GetString(bytes, 0, length));
    }

    [Fact]
    public void Of_several_addresses_the_most_telling_failure_counts_whatever_their_order()
    {
        using var closed = new TcpListener(IPAddress.Loopback, 0);
        closed.Start();
        var port = ((IPEndPoint)closed.LocalEndpoint).Port;
        closed.Stop();
        var prober = ProberOf(most: 16, (address, _) => address.Equals(IPAddress.Parse("127.0.0.9")));
        // connect(2) itself refuses the broadcast address: no route, or not permitted.
        Assert.Contains(KindOf(IPAddress.Broadcast), new[] { FailureKind.NoRoute, FailureKind.NotPermitted });
        Assert.Equal(FailureKind.Refused, KindOf(IPAddress.Loopback, IPAddress.Broadcast));
        Assert.Equal(FailureKind.Refused, KindOf(IPAddress.Broadcast, IPAddress.Loopback));
        Assert.Equal(FailureKind.OwnListener, KindOf(IPAddress.Parse("127.0.0.9"), IPAddress.Loopback));

        FailureKind KindOf(params IPAddress[] addresses)
        {
            prober.Start(new(new BackendId(1), new Arr<IPAddress>(addresses), port, new Duration(5_000)));
            return Ended().Outcome.Match(() => throw new InvalidOperationException(), kind => kind);
        }
    }

    [Fact]
    public void An_answer_with_very_many_addresses_is_cut_to_the_same_ones_each_time()
    {
        var answer = Enumerable.Range(0, 1_000).Select(n => new IPAddress([10, 0, (byte)(n >> 8), (byte)n])).ToArray();
        var once = Resolver.Bounded(answer);
        Assert.Equal(Resolver.MaxAddresses, once.Count);
        Assert.Equal(once, Resolver.Bounded([.. answer.Reverse()]));
    }

    [Fact]
    public void The_timeout_of_a_probe_that_had_to_wait_begins_when_it_does()
    {
        var prober = ProberOf(most: 1);
        prober.Start(Probe(1, silent, timeout: 300));
        prober.Start(Probe(2, listening, timeout: 200));
        Assert.Equal(Outcome.Failure(FailureKind.Timeout), Ended().Outcome);
        Assert.Equal(Outcome.Success, Ended().Outcome);
    }

    [Fact]
    public void An_answer_that_came_during_a_pause_of_the_process_is_no_timeout()
    {
        var prober = ProberOf(most: 16);
        prober.Start(Probe(1, listening, timeout: 20));
        // As a SIGSTOP would have it.
        reactor.StandStill(200);
        Assert.Equal(Outcome.Success, Ended().Outcome);
    }

    [Fact]
    public void Thousands_of_probes_that_fail_at_once_leave_a_request_its_turn()
    {
        var prober = ProberOf(most: 1_024);
        // Refused by connect(2) itself: no socket may send to the broadcast address.
        for (var i = 0; i < 5_000; i++)
            prober.Start(new(new BackendId(i), Prelude.Array(IPAddress.Broadcast), 9, new Duration(1_000)));
        using var asked = new WakeUp();
        var before = -1;
        var handled = 0;
        reactor.Watch(asked.Fd, Libc.EPOLLIN, _ =>
        {
            asked.Clear();
            reactor.PostUrgent(new SupervisorInput.Call(() => before = handled));
        });
        asked.Signal();
        while (handled < 5_000)
        {
            if (Next() is SupervisorInput.Call call)
                call.Action();
            else
                handled++;
        }

        Assert.InRange(before, 0, 2 * Reactor.MostInARow);
    }

    [Fact]
    public void No_more_probes_are_begun_in_a_row_than_the_supervisor_can_spare_the_time_for()
    {
        var prober = ProberOf(most: 1_024);
        for (var i = 0; i < 300; i++)
            prober.Start(Probe(i, listening));
        Assert.Equal(Prober.BeginsInARow, prober.InFlight);
        for (var i = 0; i < 300; i++)
            Assert.Equal(Outcome.Success, Ended().Outcome);
    }

    [Fact]
    public void Where_no_thread_can_be_started_a_lookup_fails_and_nothing_else()
    {
        var resolver = new Resolver(reactor) { TryStart = (_, _) => false };
        resolver.Start("localhost");
        Assert.True(Resolved().Addresses.IsEmpty);
    }

    [Fact]
    public void Where_no_further_thread_can_be_started_those_that_there_are_do_all_lookups()
    {
        var threads = 0;
        var resolver = new Resolver(reactor)
        {
            TryStart = (name, work) => threads++ == 0 && Worker.TryStart(name, work),
        };
        for (var i = 0; i < 5; i++)
            resolver.Start("localhost");
        for (var i = 0; i < 5; i++)
            Assert.False(Resolved().Addresses.IsEmpty);
    }

    [Fact]
    public void Many_names_take_no_more_threads_than_are_allowed_and_repeated_lookups_take_no_new_ones()
    {
        var threads = 0;
        var resolver = new Resolver(reactor)
        {
            TryStart = (name, work) =>
            {
                threads++;
                return Worker.TryStart(name, work);
            },
        };
        for (var i = 0; i < 100; i++)
            resolver.Start("localhost");
        for (var i = 0; i < 100; i++)
            _ = Resolved();
        Assert.InRange(threads, 1, Resolver.MaxThreads);
        var before = threads;
        for (var i = 0; i < 20; i++)
        {
            // Whoever has given the last answer is about to wait for work again.
            Assert.True(SpinWait.SpinUntil(() => resolver.Idle == threads, TimeSpan.FromSeconds(20)));
            resolver.Start("localhost");
            _ = Resolved();
        }

        Assert.Equal(before, threads);
    }

    private Prober ProberOf(int most, Func<IPAddress, int, bool>? leadsHere = null) =>
        new(reactor, new Resolver(reactor), most, new(leadsHere ?? ((_, _) => false), _ => false),
            (backend, ms) => timed.Add((backend.Value, ms)));

    private static ControlEffect.StartProbe Probe(int backend, TcpListener at, long timeout = 5_000) => new(
        new BackendId(backend),
        Prelude.Array(IPAddress.Loopback),
        ((IPEndPoint)at.LocalEndpoint).Port,
        new Duration(timeout));

    private ControlEvent.ProbeEnded Ended() =>
        Assert.IsType<ControlEvent.ProbeEnded>(Assert.IsType<SupervisorInput.Happened>(Next()).Event);

    private ControlEvent.Resolved Resolved() =>
        Assert.IsType<ControlEvent.Resolved>(Assert.IsType<SupervisorInput.Happened>(Next()).Event);

    private SupervisorInput Next() => reactor.Next(reactor.Now.Plus(new Duration(20_000)))
        .IfNone(() => throw new TimeoutException("nothing happens"));
}
