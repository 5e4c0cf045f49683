using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using Bal.Infrastructure.Json;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Cli.Commands;

/// <summary><c>bal top</c>, which is <c>bal status --watch</c>: the daemon's state, each second anew.</summary>
internal sealed class Watching(CompositionRoot composition, LanguageExt.Option<string> config, string? word)
{
    private const string Enter = "\e[?1049h\e[?25l";
    private const string Leave = "\e[?25h\e[?1049l";

    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private readonly Stopwatch clock = Stopwatch.StartNew();
    private volatile bool ended;
    private TopView view = TopView.Start;
    private Either<Problem, StatusReport> seen;
    private LanguageExt.Option<StatusReport> before;
    private long lookedAt;
    private long elapsed;

    /// <summary>Until the person, a signal or the reader ends it.</summary>
    internal int Run()
    {
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, End);
        using var terminal = Terminal.Take();
        return terminal is null ? Lines() : Screens();
    }

    private void End(PosixSignalContext signal)
    {
        signal.Cancel = true;
        ended = true;
    }

    // One that does not run is no reason to go on: a script would wait for ever.
    private int Lines()
    {
        while (!ended && !StandardStream.IsGone)
        {
            Look();
            if (seen.Case is Problem problem)
            {
                composition.Error.Problem(problem);
                return ExitCode.Failure;
            }

            if (seen.Case is StatusReport report)
                composition.Out.WriteRaw(TopText.Lines(new TopLook(report, before, elapsed), Time()));
            Thread.Sleep(Every);
        }

        return ExitCode.Ok;
    }

    private int Screens()
    {
        composition.Out.WriteRaw(Enter);
        try
        {
            while (!ended && !view.Over && !StandardStream.IsGone)
            {
                if (lookedAt == 0 || clock.ElapsedMilliseconds - lookedAt >= Every.TotalMilliseconds)
                    Look();
                Draw();
                var left = Every - TimeSpan.FromMilliseconds(clock.ElapsedMilliseconds - lookedAt);
                if (Terminal.Keys(left > TimeSpan.Zero ? left : TimeSpan.Zero) is not { } keys)
                    break;
                // A key of several bytes, such as an arrow, is none of these.
                view = keys is ['\e', _, ..] ? view : keys.Aggregate(view, (now, key) => now.Press(key));
            }
        }
        finally
        {
            composition.Out.WriteRaw(Leave);
        }

        return ExitCode.Ok;
    }

    private void Look()
    {
        before = seen.Case is StatusReport last ? last : LanguageExt.Option<StatusReport>.None;
        seen = RunningDaemon.Find(composition, config)
            .Bind(daemon =>
            {
                using (daemon)
                    return daemon.Ask("status");
            })
            .Bind(answer => StatusJson.Read(Encoding.UTF8.GetBytes(answer)).MapLeft(Reports.NotUnderstood))
            .Bind(report => word is null ? report : Addressing.Narrow(word, report));
        var now = Math.Max(1, clock.ElapsedMilliseconds);
        (elapsed, lookedAt) = (now - lookedAt, now);
    }

    private void Draw()
    {
        var (columns, rows) = Terminal.Size;
        var lines = seen.Case is StatusReport report
            ? TopText.Screen(new TopLook(report, before, elapsed), view, columns, rows)
            : new Arr<string>([.. (seen.Case as Problem)?.ToText().TrimEnd('\n').Split('\n') ?? [], "", "q quit"]);
        composition.Out.WriteRaw("\e[H" + string.Join("\r\n", lines.Map(line => line + "\e[K")) + "\e[J");
    }

    private static string Time() =>
        DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
