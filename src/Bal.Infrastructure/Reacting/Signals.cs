using System.Runtime.InteropServices;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.Reacting;

/// <summary>What a signal asks for (docs/behaviour.md, Signals). Called on a thread of the runtime.</summary>
/// <param name="Stop">TERM and INT.</param>
/// <param name="Reload">HUP.</param>
/// <param name="ReopenLog">USR1.</param>
/// <param name="Upgrade">USR2.</param>
internal sealed record SignalActions(Action Stop, Action Reload, Action ReopenLog, Action Upgrade);

/// <summary>Signals in place of the end of the process.</summary>
internal sealed class Signals : IDisposable
{
    private const int Usr1 = Libc.SIGUSR1;
    private const int Usr2 = Libc.SIGUSR2;

    private readonly PosixSignalRegistration[] registrations;

    public Signals(SignalActions actions)
    {
        // The runtime leaves a signal alone that was ignored when the process began, as nohup(1) ignores HUP, and a shell INT
        // for what it starts in the background: then it would mean nothing at all.
        foreach (var number in (int[])[Libc.SIGHUP, Libc.SIGINT, Libc.SIGTERM, Usr1, Usr2])
            Libc.HeedSignal(number);
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
