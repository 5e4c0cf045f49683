using System.CommandLine;
using Bal.Domain.Messages;
using Bal.Infrastructure.Logging;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary><c>bal logs</c>: what the daemon has logged, for people.</summary>
internal static class LogsCommand
{
    private const int Before = 10;

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var follow = new System.CommandLine.Option<bool>("--follow", "-f")
        {
            Description = "Show the last lines, then each new one as it comes",
        };
        var command = new Command("logs", "Show the daemon's log for people to read") { follow };
        command.SetAction(parsed => composition.AskedHome()
            .Bind(home => Checked(composition, home, Prelude.Optional(parsed.GetValue(config))))
            .Match(
                Right: home => Show(composition, home.LogFile, parsed.GetValue(follow)),
                Left: problem =>
                {
                    composition.Error.Problem(problem);
                    return ExitCode.Failure;
                }));
        return command;
    }

    private static Either<Problem, BalHome> Checked(
        CompositionRoot composition, BalHome home, LanguageExt.Option<string> config) =>
        RunningDaemon.Of(home, composition, config).Match(
            Right: daemon =>
            {
                using (daemon)
                    return LogPlace.Of(daemon.Process.Pid, home.LogFile) is { IsFile: false } place
                        && (place.Journalctl is not null || !File.Exists(home.LogFile))
                            ? Elsewhere(home, daemon.Process.Pid, place)
                            : Either<Problem, BalHome>.Right(home);
            },
            // What a bal that has ended wrote is there to be read.
            Left: problem => problem.Code != RunningProcess.NotRunningCode || !File.Exists(home.LogFile)
                ? problem : home);

    private static Problem Elsewhere(BalHome home, int pid, LogPlace place) => new(
        "logs_elsewhere",
        $"bal (pid={pid}) does not log to {home.LogFile}",
        place.Journalctl is null
            ? "it runs in the foreground and writes to its standard error"
            : $"systemd runs it as {place.Unit}, and the journal keeps what it writes",
        place.Journalctl is null
            ? "look at the terminal or the file that its standard error goes to"
            : $"run '{place.Journalctl}', with -f to follow");

    private static int Show(CompositionRoot composition, string log, bool follow)
    {
        var compressed = LogReader.Rotated(log).Where(LogReader.IsCompressed).ToArray();
        if (compressed.Length > 0 && !follow)
            composition.Error.Write($"note: left out, as they are compressed: {string.Join(", ", compressed)}\n");
        if (!follow)
        {
            foreach (var file in LogReader.Rotated(log).Where(file => !LogReader.IsCompressed(file)).Append(log))
                foreach (var line in LogReader.Lines(file))
                    composition.Out.WriteRaw(line);
            return ExitCode.Ok;
        }

        using var reader = new LogReader(log);
        foreach (var line in reader.More().TakeLast(Before))
            composition.Out.WriteRaw(line);
        // A signal ends it, or that nobody reads on.
        while (!StandardStream.IsGone)
        {
            Thread.Sleep(LookEvery);
            foreach (var line in reader.More())
                composition.Out.WriteRaw(line);
        }

        return ExitCode.Ok;
    }
}
