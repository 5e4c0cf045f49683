using System.Runtime.InteropServices;
using Bal.Application;
using Bal.Domain.Control;

namespace Bal.Infrastructure.Supervision;

/// <summary>Signals become inputs of the supervisor (contract, section 2).</summary>
internal sealed class Signals : IDisposable
{
    private const int Usr1 = 10;

    private readonly PosixSignalRegistration[] registrations;

    public Signals(Reactor reactor, Action reopenLog)
    {
        registrations =
        [
            On(PosixSignal.SIGTERM, () => reactor.PostFromOutside(Stop())),
            On(PosixSignal.SIGINT, () => reactor.PostFromOutside(Stop())),
            On(PosixSignal.SIGHUP, () => reactor.PostFromOutside(new SupervisorInput.Reload(_ => { }))),
            On((PosixSignal)Usr1, reopenLog),
        ];
    }

    public void Dispose()
    {
        foreach (var registration in registrations)
            registration.Dispose();
    }

    /// <summary>What SIGTERM means.</summary>
    public static SupervisorInput Stop() => new SupervisorInput.Happened(new ControlEvent.StopRequested());

    private static PosixSignalRegistration On(PosixSignal signal, Action action) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            action();
        });
}
