[assembly: CollectionBehavior(MaxParallelThreads = 2)]

namespace Bal.EndToEnd.Harness;

/// <summary>Tests that measure time, memory or context switches: nothing else runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Sequential
{
    public const string Name = "measured alone";
}
