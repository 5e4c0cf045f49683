using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using BenchmarkDotNet.Attributes;
using LanguageExt;

namespace Bal.MicroBench;

/// <summary>What one event costs the supervisor: the whole composed machine, not a part of it.</summary>
[MemoryDiagnoser]
public class StepBench
{
    private ControlState state = null!;

    [Params(2, 10, 100)]
    public int Backends { get; set; }

    [GlobalSetup]
    public void Setup() => state = ControlMachine.Start(Sample.Config(Backends), Instant.Zero).State;

    [Benchmark]
    public ControlStep ConnectsFailed() => ControlMachine.Step(
        new ControlEvent.ConnectsFailed(new BackendId(1), FailureKind.Refused, 1), new Instant(10), state);

    [Benchmark]
    public ControlStep Tick() => ControlMachine.Step(new ControlEvent.Tick(), new Instant(10), state);
}

/// <summary>What choosing a backend costs each new connection.</summary>
[MemoryDiagnoser]
public class SelectionBench
{
    private Selector selector = null!;
    private ulong turn;

    [Params(2, 100)]
    public int Backends { get; set; }

    [GlobalSetup]
    public void Setup() => selector = Selector.Of(Publishing.TableOf(
        ControlMachine.Start(Sample.Config(Backends), Instant.Zero).State.InOrder[0]), Option<Selector>.None);

    [Benchmark]
    public Option<Candidate> First() => selector.Next(new Attempt(turn++, [], 0));

    [Benchmark]
    public Option<Candidate> AfterOneFailure() => selector.Next(new Attempt(turn++, [1], 0));
}

internal static class Sample
{
    public static BalConfig Config(int backends) => new(
        Mode.Simple, LogLevel.Info, Option<int>.None, Prelude.Array(new Service(
            Service.DefaultName,
            new Listener(new Host.Address(IPAddress.Loopback), 9295),
            Method.RoundRobin,
            new Arr<BackendConfig>(Enumerable.Range(0, backends).Select(i =>
                new BackendConfig(new Endpoint(new Host.Address(IPAddress.Loopback), 9000 + i)))),
            Tuning.For(backends))));
}
