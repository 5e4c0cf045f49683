namespace Bal.Cli;

/// <summary>Exit codes (docs/behaviour.md, Exit codes); the last two are from sysexits.h.</summary>
internal static class ExitCode
{
    /// <summary>Done, valid, running or observed.</summary>
    internal const int Ok = 0;

    /// <summary>The command could not do what it was asked for; with <c>status --exit-code</c> a warning.</summary>
    internal const int Failure = 1;

    /// <summary>With <c>status --exit-code</c>: critical or stopped.</summary>
    internal const int Critical = 2;

    /// <summary>Wrong usage (EX_USAGE).</summary>
    internal const int Usage = 64;

    /// <summary>A bug in bal (EX_SOFTWARE).</summary>
    internal const int Internal = 70;
}
