using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;

namespace Bal.Domain.Specs.Control;

/// <summary>
/// What a step costs does not depend on how many backends there are, but for the depth of the trees. Bytes are counted,
/// as time depends on whoever else uses the machine.
/// </summary>
public class ScaleSpecs
{
    private static readonly Instant Later = new(2_000);

    public static TheoryData<string> Steps =>
        ["probe", "refused probe", "refused client", "client", "exhausted", "idle", "tick"];

    [Theory]
    [MemberData(nameof(Steps))]
    public void A_step_allocates_a_few_kilobytes_with_ten_thousand_backends(string step) =>
        Assert.InRange(Allocated(step, 10_000) / LookedAfter(step, 10_000), 1, 12_288);

    // The logarithm doubles.
    [Theory]
    [MemberData(nameof(Steps))]
    public void A_step_grows_no_faster_than_the_logarithm_between_a_hundred_and_ten_thousand_backends(string step) =>
        Assert.InRange(
            Allocated(step, 10_000) / LookedAfter(step, 10_000), 1, 2 * Allocated(step, 100) / LookedAfter(step, 100));

    [Fact]
    public void When_the_next_thing_is_due_is_known_without_a_look_at_the_backends()
    {
        var state = Busy(10_000);
        ControlMachine.NextDue(state);

        Assert.InRange(Bytes(() => ControlMachine.NextDue(state)), 0, 512);
    }

    private static long Allocated(string step, int backends)
    {
        var state = Busy(backends);
        // One in the middle of its service, whose probe is under way.
        var id = new BackendId(backends / 2 + backends / 20);
        ControlEvent happened = step switch
        {
            "probe" => Life.ProbePassed(id.Value),
            "refused probe" => Life.ProbeFailed(id.Value),
            "refused client" => Life.ConnectsFailed(id.Value),
            "client" => Life.ConnectsSucceeded(id.Value),
            "exhausted" => Life.Exhausted,
            "idle" => new ControlEvent.BackendIdle(id),
            _ => Life.Tick,
        };
        var before = step switch
        {
            "tick" => ControlMachine.Start(IndexSpecs.Many(backends), Life.Birth).State,
            "idle" => state.Then(Later, new ControlEvent.Reloaded(Without(id, state))),
            _ => state,
        };
        // What is set up once in a process is not the step's.
        ControlMachine.Step(happened, Later, before);
        var bytes = Bytes(() => ControlMachine.Step(happened, Later, before));
        return bytes;
    }

    private static int LookedAfter(string step, int backends) =>
        step == "tick" ? Math.Min(backends, ControlMachine.TickBatch) : 1;

    private static BalConfig Without(BackendId id, ControlState state)
    {
        var gone = state.Backend(id.Value).Endpoint;
        return state.Config with
        {
            Services = state.Config.Services.Map(s => s with { Backends = s.Backends.Filter(b => b.Endpoint != gone) }),
        };
    }

    private static long Bytes(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    // Every probe is under way, one backend in ten cools down.
    private static ControlState Busy(int backends)
    {
        var state = ControlMachine.Start(IndexSpecs.Many(backends), Life.Birth).State;
        while (ControlMachine.NextDue(state).IsDue(Life.Birth))
            state = state.Then(Life.Birth, Life.Tick);
        for (var id = 1; id <= backends; id += 10)
            state = state.Then(Later, Life.ConnectsSucceeded(id), Life.ConnectsFailed(id));
        return state;
    }
}
