using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Diagnostics;

/// <summary>
/// Whether an instance should get new clients: exactly while it accepts them, and with <c>--backends</c> only where
/// every service that counts has a backend that status calls up.
/// </summary>
public sealed class ReadySpecs
{
    private static readonly ProcessIdentity Process = new(4711, "/etc/bal/config.yaml", "0.1.0", Instant.Zero);
    private static readonly ClockReading Clock = new(new Instant(1_000), DateTimeOffset.UnixEpoch.AddHours(1));

    [Property]
    public void An_instance_that_stops_or_does_not_accept_yet_is_never_ready(bool accepts, bool stops, bool backends)
    {
        var state = stops ? After(Started(), new ControlEvent.StopRequested()) : Started();
        var ready = ReadyReport.Of("c", accepts, state);

        Assert.Equal(accepts && !stops, ready.WhyNot(backends, Arr<string>.Empty).IsNone);
    }

    [Property]
    public void With_backends_it_is_ready_exactly_where_status_knows_one_that_is_up(bool first, bool second)
    {
        var state = Started();
        foreach (var id in new[] { 1, 2 })
        {
            if (id == 1 ? !first : !second)
                state = After(state, new ControlEvent.ProbeEnded(
                    new BackendId(id), Bal.Domain.Backend.Outcome.Failure(Bal.Domain.Backend.FailureKind.Refused),
                    Option<IPAddress>.None));
        }

        var report = StatusReports.Of(Process, Traffic.None, Clock, state);
        var ready = ReadyReport.Of("c", accepts: true, state);
        var isUp = report.Backends.Exists(b => b.Reachable && b.State == BackendReport.Up);
        Assert.Equal(isUp, ready.WhyNot(withBackends: true, Arr<string>.Empty).IsNone);
        Assert.Equal(isUp, ready.WhyNot(withBackends: true, Prelude.Array("default")).IsNone);
        Assert.True(ready.WhyNot(withBackends: true, Prelude.Array("unknown")).IsSome);
        Assert.True(ready.WhyNot(withBackends: false, Arr<string>.Empty).IsNone);
    }

    private static ControlState Started() =>
        ControlMachine.Start(DoctorScenes.Balancer(2), Instant.Zero).State;

    private static ControlState After(ControlState state, ControlEvent happened) =>
        ControlMachine.Step(happened, new Instant(1_000), state).State;
}
