using Bal.Application;
using Bal.Domain.Primitives;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>What one process hands over to another.</summary>
/// <param name="Plane">The listening sockets and what was counted.</param>
/// <param name="Supervisor">What was decided.</param>
/// <param name="Pid">The PID file with its lock.</param>
/// <param name="Control">The control socket.</param>
/// <param name="Replaced">The processes replaced earlier.</param>
/// <param name="Version">This process's version of bal.</param>
/// <param name="StartedAt">When the first of the processes started.</param>
internal sealed record HandedParts(
    Plane Plane,
    SupervisorLoop Supervisor,
    PidFile Pid,
    ControlServer Control,
    ReplacedLinks Replaced,
    string Version,
    Instant StartedAt)
{
    private (int Pid, int Control) introduced;

    /// <summary>Whether the PID file and the control socket are those that the new process was given.</summary>
    public bool FilesAsIntroduced => introduced == (Pid.Restored, Control.Restored);

    /// <summary>
    /// Sends everything as it is now, with all descriptors, so that the new process can check whether it could go on
    /// with it; false where it could not be sent.
    /// </summary>
    public bool Introduce(Link link, Instant now)
    {
        introduced = (Pid.Restored, Control.Restored);
        var descriptors = new List<int> { Pid.Descriptor, Control.Descriptor };
        descriptors.AddRange(Plane.Serving.SelectMany(s => s.Sockets));
        descriptors.AddRange(Plane.Serving.Select(s => s.Clients).Where(table => table >= 0));
        foreach (var process in Plane.Replaced.Processes)
        {
            descriptors.Add(Replaced.Links.First(l => l.Pid == process.Pid).Fd);
            descriptors.Add(process.Counts.Fd);
        }

        descriptors.Add(Plane.OpenFd);
        return link.SendDocument("hello", HandoverJson.Write(Now(now)))
            && descriptors.Chunk(MessageSocket.MaxDescriptors).All(chunk => link.Send("descriptors", chunk));
    }

    /// <summary>Sends everything as it is at rest: the new process serves with this.</summary>
    public bool HandOver(Link link, Instant now) => link.SendDocument("serve", HandoverJson.Write(Now(now)));

    private Handover Now(Instant now) => new(
        Version,
        StartedAt,
        new(Plane.Serving.Select(s => new ServiceHandover(s.Service, s.Sockets.Length, s.Turn)
        {
            HasClients = s.Clients >= 0,
            Files = s.Files,
        })),
        Plane.Replaced.Before,
        Plane.Replaced.Processes
            .Map(p => new ProcessHandover(p.Pid, p.Version, p.Since, p.Slots, p.Reported)
            {
                PlaceSlots = p.PlaceSlots,
                ClientColumn = p.ClientColumn,
            })
            .Add(new ProcessHandover(Environment.ProcessId, Version, now, Plane.Slots, Plane.MeasureOwn())
            {
                PlaceSlots = Plane.PlaceSlots,
                ClientColumn = Plane.ClientColumn,
            }),
        Supervisor.State);
}
