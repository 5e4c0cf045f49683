using Bal.Application;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Replay;

namespace Bal.Cli;

/// <summary>A configuration that is tried on what was recorded.</summary>
internal sealed record Trial(string Path, BalConfig Config);

/// <summary>A report that is printed while the file is read, so that its length does not matter.</summary>
internal interface IReplayReport
{
    /// <summary>A change of state.</summary>
    void Say(string time, LogEvent line, Side side);

    /// <summary>Everything else.</summary>
    void End(ReplaySummary summary);
}
