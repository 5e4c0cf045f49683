using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using Bal.Infrastructure.Reacting;
using Bal.Infrastructure.Systemd;
using Bal.Integration.DataPlane;
using Bal.Integration.Process;

namespace Bal.Integration.Systemd;

/// <summary>The protocol of sd_notify(3), with the test as the manager.</summary>
public sealed class ServiceManagerSpecs : IDisposable
{
    private static readonly ControlState Serving =
        ControlMachine.Start(LivePlane.ConfigOf(9_295), Bal.Domain.Primitives.Instant.Zero).State;

    private readonly TempDirectory place = new();
    private readonly Reactor reactor = new();
    private readonly List<Problem> complaints = [];

    public void Dispose()
    {
        reactor.Dispose();
        place.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_life_is_told_in_the_words_of_the_protocol(bool isAbstract)
    {
        var address = isAbstract ? $"@bal-{Guid.NewGuid():N}" : place.File("notify");
        using var socket = new ManagerSocket(address);
        using var manager = To(address);
        manager.Show(Serving);
        Assert.Empty(socket.Take());

        manager.Ready();
        Assert.Equal($"READY=1\nSTATUS={ServiceLine.Of(Serving)}", Assert.Single(socket.Take()));

        manager.Reloading();
        Assert.Matches("^RELOADING=1\nMONOTONIC_USEC=[0-9]+\nSTATUS=", Assert.Single(socket.Take()));
        manager.Ready();
        Assert.StartsWith("READY=1\n", Assert.Single(socket.Take()), StringComparison.Ordinal);

        manager.Alive();
        Assert.Equal("WATCHDOG=1", Assert.Single(socket.Take()));

        manager.Stopping(new Duration(30_000));
        Assert.Equal("STOPPING=1\nEXTEND_TIMEOUT_USEC=35000000", Assert.Single(socket.Take()));
        manager.Stopping(new Duration(1_000));
        Assert.Equal("EXTEND_TIMEOUT_USEC=6000000", Assert.Single(socket.Take()));

        manager.HandOver(4711);
        Assert.Equal("MAINPID=4711", Assert.Single(socket.Take()));

        // From here on it is another process's service.
        manager.Stopping(new Duration(30_000));
        manager.Alive();
        Assert.Empty(socket.Take());
        Assert.Empty(complaints);
    }

    [Fact]
    public void The_status_is_told_when_it_looks_different_and_only_then()
    {
        using var socket = new ManagerSocket(place.File("notify"));
        using var manager = To(place.File("notify"));
        manager.Show(Serving);
        manager.Ready();
        socket.Take();
        var down = ControlMachine.Step(
            new ControlEvent.ConnectsFailed(new BackendId(1), FailureKind.Refused, 9),
            Bal.Domain.Primitives.Instant.Zero, Serving).State;

        manager.Show(Serving);
        Assert.Empty(socket.Take());
        manager.Show(down);
        manager.Show(down);
        Assert.Equal($"STATUS={ServiceLine.Of(down)}", Assert.Single(socket.Take()));
    }

    [Fact]
    public void Once_it_stops_it_never_says_again_that_it_is_ready_or_reloading()
    {
        using var socket = new ManagerSocket(place.File("notify"));
        using var manager = To(place.File("notify"));
        manager.Ready();
        manager.Stopping(new Duration(30_000));
        socket.Take();

        manager.Reloading();
        manager.Ready();

        Assert.Empty(socket.Take());
    }

    [Fact]
    public void A_manager_that_does_not_read_makes_nobody_wait_and_gets_the_last_word_when_it_reads_again()
    {
        using var socket = new ManagerSocket(place.File("notify"));
        using var manager = To(place.File("notify"));
        // More than the queue of any datagram socket holds (net.unix.max_dgram_qlen).
        for (var i = 0; i < 2_000; i++)
            manager.HandOver(i);
        // What is no longer true when it arrives is not kept.
        manager.Alive();

        var got = new List<string>();
        var deadline = reactor.Now.Plus(new Duration(10_000));
        while (!got.Exists(m => m == "MAINPID=1999"))
        {
            Assert.False(deadline.IsDue(reactor.Now), $"only {got.Count} messages came");
            got.AddRange(socket.Take());
            reactor.Next(reactor.Now.Plus(new Duration(20)));
        }

        Assert.DoesNotContain("WATCHDOG=1", got);
        var numbers = got.Select(m => int.Parse(m["MAINPID=".Length..], null)).ToArray();
        Assert.Equal(numbers.Order(), numbers);
        Assert.Equal(1_999, numbers[^1]);
    }

    [Theory]
    [InlineData("no/absolute/path")]
    [InlineData("vsock:2:1234")]
    [InlineData("/nobody/listens/here")]
    public void A_manager_that_cannot_be_reached_is_complained_of_once(string address)
    {
        using var manager = To(address);
        manager.Ready();
        manager.Stopping(new Duration(30_000));

        Assert.Contains(address, Assert.Single(complaints).WhatHappened, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_manager_nothing_is_said_and_nothing_is_missed()
    {
        using var manager = new ServiceManager(ManagerEnvironment.None, reactor, complaints.Add);
        manager.Ready();
        manager.Show(Serving);
        manager.Alive();
        manager.Stopping(new Duration(30_000));
        Assert.Empty(complaints);
    }

    private ServiceManager To(string address) =>
        new(new ManagerEnvironment(address, 0), reactor, complaints.Add);
}
