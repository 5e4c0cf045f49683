using Bal.Domain.Control;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Application.Simulation;

/// <summary>
/// The supervisor's inbox in a simulated world, and the world's clock: while the supervisor waits, everything else
/// happens.
/// </summary>
internal sealed class VirtualClock : IInbox
{
    /// <summary>
    /// How often the supervisor may wake without anything having happened and without time passing. A core whose due
    /// time lies in the past for ever would spin in production; here it ends the run.
    /// </summary>
    public const int MaxIdleWakes = 1_000;

    private readonly Queue<SupervisorInput> ready = new();
    private int idleWakes;

    public Instant Now { get; private set; } = Instant.Zero;

    public bool HasMore => ready.Count > 0;

    public EventQueue Plan { get; } = new();

    /// <summary>Set while a simulated crash ends the supervisor.</summary>
    public bool Crashed { get; set; }

    /// <summary>Something that the supervisor has to handle, now.</summary>
    public void Post(SupervisorInput input) => ready.Enqueue(input);

    /// <summary>An event for the core, now.</summary>
    public void Post(ControlEvent happened) => Post(new SupervisorInput.Happened(happened));

    /// <summary>As <see cref="EventQueue.At"/>, so long from now.</summary>
    public void After(Duration span, Action happens) => Plan.At(Now.Plus(span), happens);

    public Option<SupervisorInput> Next(Instant until)
    {
        while (ready.Count == 0 && Plan.NextAt is var at && at != Instant.Never && at.IsDue(until))
        {
            Happen(at);
            if (Crashed)
                throw new SimulatedCrash();
        }

        if (ready.TryDequeue(out var input))
        {
            idleWakes = 0;
            return input;
        }

        if (until == Instant.Never)
            throw new SimulationStuckException($"at {Now.Milliseconds} ms bal waits for something that never happens");
        idleWakes = until.IsDue(Now) ? idleWakes + 1 : 0;
        if (idleWakes > MaxIdleWakes)
            throw new SimulationStuckException(
                $"at {Now.Milliseconds} ms bal wakes again and again with nothing to do");
        Now = Instant.Max(Now, until);
        return Option<SupervisorInput>.None;
    }

    /// <summary>Lets everything up to <paramref name="until"/> happen while no supervisor runs.</summary>
    public void Pass(Instant until)
    {
        while (Plan.NextAt is var at && at != Instant.Never && at.IsDue(until))
            Happen(at);
        if (until != Instant.Never)
            Now = Instant.Max(Now, until);
    }

    /// <summary>What was posted to a supervisor that is gone is gone with it.</summary>
    public void Forget()
    {
        Crashed = false;
        idleWakes = 0;
        ready.Clear();
    }

    private void Happen(Instant at)
    {
        Now = Instant.Max(Now, at);
        Plan.Take()();
    }
}

/// <summary>Ends a supervisor as SIGKILL ends the process: from outside, wherever it is.</summary>
internal sealed class SimulatedCrash : Exception;

/// <summary>A simulation that would never end.</summary>
/// <param name="message">Where and why.</param>
public sealed class SimulationStuckException(string message) : Exception(message);
