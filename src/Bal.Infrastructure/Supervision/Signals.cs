using System.Runtime.InteropServices;

namespace Bal.Infrastructure.Supervision;

/// <summary>What a signal asks for (contract, section 2). Called on a thread of the runtime.</summary>
/// <param name="Stop">TERM and INT.</param>
/// <param name="Reload">HUP.</param>
/// <param name="ReopenLog">USR1.</param>
/// <param name="Upgrade">USR2.</param>
internal sealed record SignalActions(Action Stop, Action Reload, Action ReopenLog, Action Upgrade);

/// <summary>Signals in place of the end of the process.</summary>
internal sealed class Signals : IDisposable
{
    private const int Usr1 = 10;
    private const int Usr2 = 12;

    private readonly PosixSignalRegistration[] registrations;

    public Signals(SignalActions actions)
    {
        registrations =
        [
            On(PosixSignal.SIGTERM, actions.Stop),
            On(PosixSignal.SIGINT, actions.Stop),
            On(PosixSignal.SIGHUP, actions.Reload),
            On((PosixSignal)Usr1, actions.ReopenLog),
            On((PosixSignal)Usr2, actions.Upgrade),
        ];
    }

    public void Dispose()
    {
        foreach (var registration in registrations)
            registration.Dispose();
    }

    private static PosixSignalRegistration On(PosixSignal signal, Action action) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            action();
        });
}
