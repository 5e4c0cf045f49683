using System.Runtime.InteropServices;
using Bal.Infrastructure.DataPlane;
using BenchmarkDotNet.Attributes;

namespace Bal.MicroBench;

/// <summary>What a timer costs each connection, among as many others as there are connections.</summary>
public unsafe class TimerWheelBench
{
    private TimerWheel wheel = null!;
    private Session* sessions;
    private int next;
    private long now;

    [Params(64, 10_000)]
    public int Timers { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        wheel = new TimerWheel(0);
        sessions = (Session*)NativeMemory.AllocZeroed((nuint)(Timers * sizeof(Session)));
        for (var i = 0; i < Timers; i++)
            wheel.Arm(sessions + i, 120_000 + i);
    }

    [GlobalCleanup]
    public void Cleanup() => NativeMemory.Free(sessions);

    [Benchmark]
    public void Rearm()
    {
        wheel.Arm(sessions + next, now + 120_000);
        next = next + 1 == Timers ? 0 : next + 1;
    }

    [Benchmark]
    public int AdvanceOneMillisecond()
    {
        Session* due;
        while ((due = wheel.TakeDue(now)) != null)
            wheel.Arm(due, now + 120_000);
        now++;
        return wheel.WaitMs(now);
    }
}
