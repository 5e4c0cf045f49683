using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Infrastructure.Hosting;
using LanguageExt;
using Duration = Bal.Domain.Primitives.Duration;

namespace Bal.Cli.Commands;

/// <summary>
/// <c>bal drain</c>: no new clients for a backend. The daemon does it, and resets what is left at a timeout; this
/// command may wait for the last connection, and what is asked for is done whether it lives or not.
/// </summary>
internal static class DrainCommand
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan WordEvery = TimeSpan.FromSeconds(2);

    // Connections that were reset are counted until the event loops have ended them.
    private static readonly TimeSpan Reserve = TimeSpan.FromSeconds(10);

    // A daemon that does not answer is asked so often in a row.
    private const int MostUnanswered = 3;

    internal static Command Define(CompositionRoot composition, System.CommandLine.Option<string?> config)
    {
        var word = Ordering.Backend(ArgumentArity.ExactlyOne);
        var wait = new System.CommandLine.Option<bool>("--wait")
        {
            Description = "Return once no connection uses it any more, however long that takes",
        };
        var timeout = Options.SecondsOf(
            "--timeout", "Seconds after which --wait gives up (the drain goes on), or --reset resets", "SECONDS",
            most: OrderLine.MostSeconds, least: 0);
        var reset = new System.CommandLine.Option<bool>("--reset")
        {
            Description = "At the timeout, reset the connections that are left",
        };
        var (force, json) = (Ordering.Force(), Options.Json());
        var command = new Command("drain", "Send a backend no new clients; its connections may finish")
        {
            wait, timeout, reset, force, json,
        };
        command.Arguments.Add(word);
        command.Validators.Add(result =>
        {
            bool Has(Option option) => result.GetResult(option) is { Implicit: false };
            if (Has(reset) && !Has(timeout))
                result.AddError("--reset needs --timeout SECONDS");
            else if (Has(timeout) && !Has(wait) && !Has(reset))
                result.AddError("--timeout only has a meaning with --wait or --reset");
        });
        command.SetAction(parsed =>
        {
            var seconds = parsed.GetValue(timeout);
            var request = new OrderRequest(OrderKind.Drain, parsed.GetValue(word) ?? "")
            {
                Force = parsed.GetValue(force),
                ResetAfter = parsed.GetValue(reset) && seconds is { } after
                    ? new Duration(after * 1_000L)
                    : LanguageExt.Option<Duration>.None,
            };
            var source = Prelude.Optional(parsed.GetValue(config));
            return parsed.GetValue(wait)
                ? Wait(composition, source, request, seconds, parsed.GetValue(json))
                : Ordering.Run(composition, source, request, parsed.GetValue(json));
        });
        return command;
    }

    private static int Wait(
        CompositionRoot composition, LanguageExt.Option<string> config, OrderRequest request, int? seconds, bool json)
    {
        var clock = Stopwatch.StartNew();
        return RunningDaemon.Find(composition, config).Bind(daemon =>
        {
            using (daemon)
            {
                return Ordering.Ask(daemon, request).Bind(told => told.Problem is not null
                    ? Either<Problem, OrderAnswer>.Right(told)
                    : new Waiting(composition, daemon, request, seconds, clock, json).For(told));
            }
        }).Match(
            // What was done was said before the wait.
            Right: told => json || told.Problem is not null ? Ordering.Show(composition, told, json) : ExitCode.Ok,
            Left: problem => composition.Unreported(problem, json ? ReportForm.Json : ReportForm.Concise));
    }

    /// <summary>One wait for the last connection.</summary>
    private sealed class Waiting(
        CompositionRoot composition, RunningDaemon daemon, OrderRequest request, int? seconds, Stopwatch clock,
        bool json)
    {
        private readonly Progress progress = new(composition.Error);
        private TimeSpan nextWord = WordEvery;

        public Either<Problem, OrderAnswer> For(OrderAnswer told)
        {
            // From here on by its whole name: a reload may give another one that number.
            var look = new OrderRequest(OrderKind.Look, told.Name);
            if (!json)
                _ = Ordering.Show(composition, told, json: false);
            var (last, unanswered, seen) = (told, 0, false);
            // A client may just have been sent there when the drain was ordered: only the next answer counts it.
            while (last.Connections > 0 || !seen)
            {
                if (seen && Over(last) is { } problem)
                    return End(problem);
                if (clock.Elapsed >= nextWord)
                {
                    nextWord = clock.Elapsed + WordEvery;
                    progress.Show(string.Create(CultureInfo.InvariantCulture, $"draining {told.Name}, "
                        + $"{clock.Elapsed.TotalSeconds:0} s so far, connections left: {last.Connections}"));
                }

                if (seen || unanswered > 0)
                    Thread.Sleep(LookEvery);
                var now = daemon.Ask(OrderLine.Of(look)).Bind(OrderAnswer.Parse);
                unanswered = now.IsLeft ? unanswered + 1 : 0;
                // Another process may have taken over: only that nobody answers ends the wait.
                if (unanswered >= MostUnanswered && now.Case is Problem unheard)
                    return End(unheard);
                if (now.Exists(said => said.Problem?.Code is "unknown_backend" or "unknown_service"))
                    break;
                if (now.Case is OrderAnswer answer)
                {
                    if (answer.Problem is { } why)
                        return End(why);
                    (last, seen) = (answer, true);
                }

                if (!last.IsDrained && last.Backend.Text("state") != BackendReport.Draining)
                    return End(Enabled(told.Name));
            }

            progress.End();
            if (!json)
                composition.Out.Write($"drained: {told.Name} has no connections left\n");
            return last;
        }

        // The daemon resets what is left, which takes it a moment.
        private Problem? Over(OrderAnswer last)
        {
            if (seconds is not { } limit)
                return null;
            var until = TimeSpan.FromSeconds(limit) + (request.ResetAfter.IsSome ? Reserve : TimeSpan.Zero);
            return clock.Elapsed < until ? null : new Problem(
                "drain_timeout",
                $"{last.Name} still has {Plural.Of(last.Connections, "connection")} after {limit} s; the drain goes on",
                "clients keep their connections open",
                "run the command again to wait on, or with --timeout SECONDS --reset to end them");
        }

        private Either<Problem, OrderAnswer> End(Problem problem)
        {
            progress.End();
            return problem;
        }

        private static Problem Enabled(string name) => new(
            "drain_ended",
            $"the drain of {name} was ended by another command while this one waited",
            "somebody ran 'bal enable'",
            "run 'bal drain' again if it must get no new clients");
    }
}
