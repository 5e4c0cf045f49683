namespace Bal.Fuzz;

/// <summary>What every input has to fulfil was not: the fuzzer records it like a crash.</summary>
internal sealed class BrokenClaimException(string message) : Exception(message);

/// <summary>What is claimed of every input.</summary>
internal static class Claim
{
    /// <summary>Throws unless <paramref name="holds"/>.</summary>
    internal static void That(bool holds, string claim)
    {
        if (!holds) throw new BrokenClaimException(claim);
    }

    /// <summary>The same, with a message that is only built where it is needed.</summary>
    internal static void That(bool holds, Func<string> claim)
    {
        if (!holds) throw new BrokenClaimException(claim());
    }
}
