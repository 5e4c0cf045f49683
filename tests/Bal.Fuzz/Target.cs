using System.Globalization;
using Bal.Fuzz.Targets;

namespace Bal.Fuzz;

/// <summary>Something that reads bytes which bal did not write, with what is claimed of every input.</summary>
/// <param name="Name">How the command line and the corpus call it.</param>
/// <param name="Run">Throws where a claim does not hold.</param>
internal sealed record Target(string Name, Action<byte[]> Run)
{
    private const int Small = 64 * 1024;
    private const long Base = 64L << 20;
    private const long PerByte = 512;

    internal static IReadOnlyList<Target> All { get; } =
    [
        new("yaml", YamlTarget.Run),
        new("scenario", ScenarioTarget.Run),
        new("decisions", DecisionsTarget.Run),
        new("request", RequestTarget.Run),
        new("control", ControlTarget.Run),
        new("answer", AnswerTarget.Run),
        new("pid", PidTarget.Run),
        new("hello", HelloTarget.Run),
        new("proxy", ProxyTarget.Run),
    ];

    internal static Target? Find(string name) => All.FirstOrDefault(target => target.Name == name);

    /// <summary>
    /// Runs one input with bounds on time and memory. Time is the processor's, so that a busy machine or a paused
    /// fuzzer changes no verdict: 1 s up to 64 KiB, 5 s up to 1 MiB.
    /// </summary>
    internal void RunBounded(byte[] input)
    {
        var (processor, allocated) = (Environment.CpuUsage.TotalTime, GC.GetAllocatedBytesForCurrentThread());
        Run(input);
        processor = Environment.CpuUsage.TotalTime - processor;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        var allowed = TimeSpan.FromSeconds(input.Length <= Small ? 1 : 5);
        Claim.That(processor <= allowed, () => string.Create(CultureInfo.InvariantCulture,
            $"{input.Length} bytes took {processor.TotalMilliseconds:0} ms of processor time"));
        Claim.That(allocated <= Base + (PerByte * input.Length), () => string.Create(CultureInfo.InvariantCulture,
            $"{input.Length} bytes made it allocate {allocated} bytes"));
    }
}
