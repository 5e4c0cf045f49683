using Bal.Application;
using Bal.Domain.Messages;
using Bal.Domain.Replay;
using Bal.Infrastructure.Json;

namespace Bal.Cli;

/// <summary>The report for programs.</summary>
internal sealed class ReplayJsonReport(Output output, string file, LanguageExt.Option<string> config) : IReplayReport
{
    private readonly ReplayJson json = new(output.Write, CommandLine.Version, file, config);

    public void Say(string time, LogEvent line, Side side) => json.Say(time, line, side);

    public void End(ReplaySummary summary) => json.End(summary);
}
