using System.Runtime.InteropServices;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Reacting;

namespace Bal.Integration.Supervision;

/// <summary>Signals are inputs like others, read by the supervisor's own thread.</summary>
public sealed partial class SignalSpecs
{
    [Fact]
    public void A_signal_waits_in_a_descriptor_and_the_supervisor_reads_it_without_any_other_thread()
    {
        var heard = new List<string>();
        Exception? fault = null;
        // A thread of its own, which takes what it has blocked with it when it ends.
        var supervisor = new Thread(() => fault = Record.Exception(() =>
        {
            using var reactor = new Reactor();
            SignalMask.BlockHere();
            // Before anybody listens.
            Raise(Libc.SIGHUP);
            using var signals = new Signals(reactor, new SignalActions(
                Stop: () => heard.Add("stop"),
                Reload: () => heard.Add("reload"),
                ReopenLog: () => heard.Add("reopen"),
                Upgrade: () => heard.Add("upgrade")));
            foreach (var number in (int[])[Libc.SIGUSR1, Libc.SIGUSR2, Libc.SIGTERM, Libc.SIGINT])
                Raise(number);
            _ = reactor.Next(reactor.Now.Plus(new Duration(50)));
        }));
        supervisor.Start();
        supervisor.Join();

        Assert.Null(fault);
        Assert.Equal(["reload", "reopen", "stop", "stop", "upgrade"], heard.Order());
    }

    // To this thread alone; the process has others that block nothing.
    private static void Raise(int number) => Assert.Equal(0, pthread_kill(pthread_self(), number));

    [LibraryImport("libc")]
    private static partial nint pthread_self();

    [LibraryImport("libc")]
    private static partial int pthread_kill(nint thread, int number);
}
