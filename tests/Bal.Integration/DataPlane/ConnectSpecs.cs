using System.Diagnostics;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using LanguageExt;

namespace Bal.Integration.DataPlane;

/// <summary>A client does not notice that a backend fails while another one serves.</summary>
public sealed class ConnectSpecs
{
    [Fact]
    public void A_client_gets_past_backends_that_refuse_at_once_and_each_failure_is_told()
    {
        using var first = new Refusing();
        using var second = new Refusing();
        using var good = new Backend().Echoing();
        using var plane = new LivePlane(1, first.Port, second.Port, good.Port);
        // A refusal is told at once, so that no client waits for a timeout.
        plane.Tune(t => t with { ConnectTimeout = new(10_000) });
        plane.Settle();
        var watch = Stopwatch.StartNew();
        using var client = plane.Client();
        client.Send("hello"u8);
        Assert.Equal("hello"u8.ToArray(), client.Read(5));
        Assert.InRange(watch.ElapsedMilliseconds, 0, 9_000);

        plane.Until(() => plane.Events.OfType<ControlEvent.ConnectsFailed>().Count() == 2, "both failures are told");
        Assert.All(plane.Events.OfType<ControlEvent.ConnectsFailed>(), e => Assert.Equal(FailureKind.Refused, e.Kind));
        Assert.Equal(
            [0L, 0, 1], plane.Plane.Measure().Backends.OrderBy(b => b.Backend.Value).Select(b => b.Active));
    }

    [Theory]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(16)]
    [InlineData(40)]
    public void A_client_tries_every_backend_once_however_many_fail(int failing)
    {
        var refusing = Enumerable.Range(0, failing).Select(_ => new Refusing()).ToArray();
        using var good = new Backend().Echoing();
        using var plane = new LivePlane(1, [.. refusing.Select(r => r.Port), good.Port]);
        using var client = plane.Client();
        client.Send("hello"u8);
        Assert.Equal("hello"u8.ToArray(), client.Read(5));

        var failures = plane.Events.OfType<ControlEvent.ConnectsFailed>();
        plane.Until(() => failures.Count() == failing, "every failure is told");
        Assert.Equal(Enumerable.Range(1, failing), failures.Select(e => e.Backend.Value));
        Assert.All(failures, e => Assert.Equal((FailureKind.Refused, 1), (e.Kind, e.Count)));
        Array.ForEach(refusing, r => r.Dispose());
    }

    [Fact]
    public void A_backend_that_answers_no_SYN_costs_the_connect_timeout_and_loses_no_byte()
    {
        using var silent = new Silent();
        using var good = new Backend().Echoing();
        using var plane = new LivePlane(1, silent.Port, good.Port);
        plane.Tune(t => t with { ConnectTimeout = new(200) });
        using var client = plane.Client();
        var hello = Sockets.Pattern(50_000);
        client.Send(hello);
        Assert.Equal(hello, client.Read(hello.Length));
        plane.Until(() => plane.Events.Count == 1, "the timeout is told");
        Assert.Equal(
            new ControlEvent.ConnectsFailed(new BackendId(1), FailureKind.Timeout, 1), plane.Events[0]);
    }

    [Fact]
    public void Another_address_of_a_backend_that_answers_is_no_failure_of_the_backend()
    {
        using var good = new Backend().Echoing();
        using var plane = new LivePlane(1, good.Port);
        // Loopback has 127.0.0.2 and 127.0.0.3 too, and nobody listens there.
        plane.Publish(t => t with
        {
            Up = Prelude.Array(LivePlane.RouteTo(1, good.Port, "127.0.0.2", "127.0.0.3", "127.0.0.1")),
        });
        using var client = plane.Client();
        client.Send("hello"u8);
        Assert.Equal("hello"u8.ToArray(), client.Read(5));
        plane.Collect();
        Assert.Empty(plane.Events);
    }

    [Fact]
    public void When_every_backend_fails_the_client_gets_an_RST_and_the_exhaustion_is_told()
    {
        using var first = new Refusing();
        using var second = new Refusing();
        using var plane = new LivePlane(1, first.Port, second.Port);
        using var client = plane.Client();
        Assert.True(client.ReadToEnd().Reset);
        plane.Until(() => plane.Events.OfType<ControlEvent.ClientExhausted>().Any(), "the exhaustion is told");
        Assert.Equal(0, plane.Open);
        Assert.All(plane.Plane.Measure().Backends, b => Assert.Equal(0, b.Active));
    }

    [Fact]
    public void A_reload_that_takes_the_backend_away_while_it_is_being_connected_leads_to_another()
    {
        using var silent = new Silent();
        using var good = new Backend().Echoing();
        using var plane = new LivePlane(1, silent.Port);
        plane.Tune(t => t with { ConnectTimeout = new(300) });
        using var client = plane.Client();
        client.Send("hello"u8);
        plane.Until(() => plane.Open == 1, "the client is admitted");
        plane.Publish(t =>
            t with { Up = Prelude.Array(LivePlane.RouteTo(2, good.Port)), Draining = Prelude.Array(new BackendId(1)) });

        Assert.Equal("hello"u8.ToArray(), client.Read(5));
        plane.Until(
            () => plane.Events.OfType<ControlEvent.BackendIdle>().Any(), "the removed backend is known to be idle");
    }
}
