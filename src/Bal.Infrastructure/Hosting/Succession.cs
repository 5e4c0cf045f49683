using Bal.Application;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// The last part of an upgrade in the new process: it serves, then takes what the old one lets go of. An old process
/// that ends on the way has let go of everything.
/// </summary>
internal sealed class Succession(ServerOptions options, Serving serving, PidFile pid, ControlServer control)
{
    private static readonly Duration LockEvery = new(20);

    private bool settling;
    private bool finished;

    /// <summary>Serves with what was handed over, and says so.</summary>
    public void Begin(Takeover takeover, Handover final)
    {
        var processes = takeover.Processes(final);
        // How many loops there are is decided by the file at this start, and is no change that a reload would not make.
        var state = final.State with
        {
            Config = final.State.Config with { Threads = serving.Reading.Config.Threads },
        };
        serving.Plane.Replaced = new Replaced(
            final.Before,
            state.Lost.Seen,
            new Arr<ReplacedProcess>(processes.Select(p => p.Process)));
        var turns = final.Services.ToDictionary(service => service.Name, service => service.Turn);
        foreach (var service in state.Services.Values)
        {
            var turn = service.Removed ? 0 : turns.GetValueOrDefault(service.Config.Name);
            serving.Plane.GoOnWith(service, turn);
        }

        serving.TakeSignals();
        serving.Supervisor.Adopt(state);
        foreach (var (process, link) in processes)
            serving.Replaced.Add(process.Pid, link, link == takeover.Link ? Hear : HearElder);
        _ = takeover.Link.Send("serves");

        void HearElder(string word)
        {
            // Who sent its signal there meant the bal that serves.
            if (word is "reload")
                serving.Reload(new SupervisorInput.Reload(_ => { }));
        }

        void Hear(string word)
        {
            HearElder(word);
            if (word is "yours" or LinkMessage.Closed)
                Settle(takeover.Link);
            if (word is "left" or LinkMessage.Closed)
                Finish();
        }
    }

    private void Settle(Link link)
    {
        if (settling)
            return;
        settling = true;
        TakeWhole(link);
    }

    private void TakeWhole(Link link)
    {
        if (!pid.TryTakeWhole())
        {
            serving.Reactor.After(LockEvery, () => TakeWhole(link));
            return;
        }

        pid.WritePid().IfLeft(problem => options.Say(LogEvent.Failure("upgrade", "pid_file_failed", problem)));
        control.Listen();
        serving.AllowUpgrade(pid, control);
        serving.SayStarted();
        options.Readiness.ReportReady();
        _ = link.Send("settled");
    }

    // What the file says otherwise than what was handed over is applied like any other edit.
    private void Finish()
    {
        if (finished)
            return;
        finished = true;
        // Only now does the manager know this process as the service.
        serving.ServeManager();
        ProgramPages.GiveBack();
        serving.Supervisor.BeginRecording();
        // A stop may have come first, and then nothing is applied any more.
        if (serving.Supervisor.State.Phase is not Phase.Running)
            serving.Plane.DiscardReserved();
        else if (serving.MayReload)
            serving.Reload(new SupervisorInput.Reload(_ => GoOn()));
        else
            GoOn();
    }

    private void GoOn()
    {
        serving.Plane.DiscardReserved();
        serving.ServeWeb();
    }
}
