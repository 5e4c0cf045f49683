using Bal.Domain.Backend;
using Bal.Domain.History;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Domain.Explain;

/// <summary>The explanation of a backend as an operator reads it; order and labels are stable.</summary>
public static class BackendText
{
    /// <summary>Everything: a line a thing, then the history.</summary>
    public static Arr<string> Lines(ClockReading clock, BackendExplanation backend) =>
        Prelude.Array(
                $"backend: {backend.Address}" + (backend.Position > 0 ? $" (number {backend.Position})" : ""),
                $"state: {backend.State}",
                $"why: {Why(clock, backend)}",
                $"next: {Unlabelled(Next(clock, backend))}")
            .Append(backend.Backup ? Prelude.Array($"backup: {Use(backend)}") : Arr<string>.Empty)
            .Add($"weight: {backend.Weight}{(backend.Weight == 0 ? " (no new clients)" : "")}")
            .Append(backend.SlowStart.Match(
                Some: start => Prelude.Array(Slowly(clock, start)), None: () => Arr<string>.Empty))
            .Add($"health check: {backend.Check.How.ToText()}")
            .Append(backend.Check.Answer.Match(
                Some: answer => Prelude.Array($"last check: {answer}"), None: () => Arr<string>.Empty))
            .Append(Socket(backend).Match(
                Some: words => Prelude.Array($"socket: {words.What}; {words.Remedy}"), None: () => Arr<string>.Empty))
            .Append(backend.Override.Match(
                Some: held => Prelude.Array($"override: {OverrideText.Of(held)}"), None: () => Arr<string>.Empty))
            .Append(backend.Cooldown.Match(
                Some: c => Prelude.Array($"cooldown: {Arithmetic(c)}"), None: () => Arr<string>.Empty))
            .Append(backend.Name.Match(
                Some: n => Prelude.Array($"name: {NameLine(clock, n)}"), None: () => Arr<string>.Empty))
            .Append(Outages(clock, backend))
            .Add($"connections: {backend.MaxConnections.Match(_ => Room(backend), () => $"{backend.Connections}")}")
            .Add("history:")
            .Append(HistoryText.Lines(clock, backend.Events).Map(line => "  " + line));

    /// <summary>Why it is so and what changes it, in one line.</summary>
    public static string Sentence(ClockReading clock, BackendExplanation backend) =>
        $"{(backend.Backup ? $"backup, {Use(backend)}; " : "")}{Why(clock, backend)}; {Next(clock, backend)}"
            + backend.MaxConnections.Match(_ => $"; {Room(backend)}", () => "");

    private static string Use(BackendExplanation backend) => backend.BackupsAreUsed
        ? "used: no primary is left"
        : "not used while a primary serves, cooling ones included";

    private static string Room(BackendExplanation backend) => backend.MaxConnections.Match(
        limit => $"{backend.Connections}/{limit} connections{(backend.Connections >= limit ? ", full" : "")}",
        () => "");

    private static string Why(ClockReading clock, BackendExplanation backend) => backend.State switch
    {
        BackendReport.Draining when backend.IsDrained =>
            backend.Override.Match(
                held => $"drained by order of {held.By.Name} at {OverrideText.Time(held.By.At)}; ", () => "")
            + $"{Plural.Of(backend.Connections, "connection of it is", "connections of it are")} still open"
            + (backend.IsDown ? "; it is down" : "; it is up"),
        BackendReport.Draining =>
            $"a reload removed it{At(clock, backend.Since)}; " +
            $"{Plural.Of(backend.Connections, "connection of it is", "connections of it are")} still open",
        BackendReport.Down when backend.Check.IsAwaited =>
            "not checked yet: its health check alone says when it is up",
        BackendReport.Down => backend.Health.LastOutage.Filter(outage => outage.Until.IsNone).Match(
            Some: outage => $"out{Since(clock, outage.Since)} after {Cause(outage, backend)}{Answer(backend)}"
                + (backend.Check.IsUnfit ? "; it gets no client, not even as a last resort" : ""),
            None: () => "not offered: no address of it is known yet"),
        BackendReport.Cooling =>
            $"cooling down{Since(clock, backend.Since)}: " +
            Plural.Of(backend.Cooldown.Match(c => c.Streak, () => 0), "client connect") +
            $" to it failed in a row{InBrackets(backend.Health.InARow)}",
        _ => Up(clock, backend)
            + backend.SlowStart.Match(start => $"; {Slowly(clock, start)}", () => "")
            + (backend.Weight == 0 ? "; it gets no new clients, since its weight is 0" : ""),
    };

    private static string Answer(BackendExplanation backend) =>
        backend.Check.Answer.Match(answer => $"; last check: {answer}", () => "");

    // What the last failure says, while there has been no success since.
    private static Option<SocketFaultText> Socket(BackendExplanation backend) =>
        backend.Address.StartsWith(Host.Unix.Prefix, StringComparison.Ordinal) && backend.Check.Answer.IsNone
            ? backend.Health.InARow.IsEmpty
                ? backend.Health.LastOutage.Filter(outage => outage.Until.IsNone)
                    .Bind(outage => KindOf(outage.Cause)).Bind(SocketFaultText.Of)
                : KindOf(backend.Health.InARow).Bind(SocketFaultText.Of)
            : Option<SocketFaultText>.None;

    private static Option<FailureKind> KindOf(Arr<BackendEntry> entries) =>
        entries.Choose(e => e.What is BackendHappening.Failed failed ? Option<FailureKind>.Some(failed.Kind)
            : Option<FailureKind>.None).LastOrNone();

    private static string Slowly(ClockReading clock, SlowStart start) =>
        SlowStart.ToText(start.Percent, start.EndsAt.Since(clock.Now));

    private static string Up(ClockReading clock, BackendExplanation backend)
    {
        var since = $"in rotation{Since(clock, backend.Since)}";
        var health = backend.Health;
        return backend.Check.NotMade > 0
            ? $"{since}; its last {Plural.Of(backend.Check.NotMade, "probe")} could not be made: this machine has no "
                + "file descriptor, local port or memory left"
            : health.InARow.IsEmpty && (health.Failures > 0 || backend.Check.LastEndedAt.IsNone)
                ? $"{since}, and not checked yet: a new backend counts as up, so that the first client need not wait"
                : health.InARow.IsEmpty
                    ? $"{since}; no failure since the last success"
                    : $"{since}; {health.Failures} of {health.FailThreshold} failed checks in a row"
                        + InBrackets(health.InARow) + Answer(backend);
    }

    private static string Next(ClockReading clock, BackendExplanation backend)
    {
        var health = backend.Health;
        return backend.State switch
        {
            BackendReport.Draining when backend.IsDrained => NextCheck(clock, backend)
                + (health.SuccessesToUp > 0 ? $"; {Successes(health.SuccessesToUp)} it up" : "")
                + backend.ResetIn.Match(
                    left => $"; what is left of its connections is reset in {left.ToText()}", () => "")
                + "; 'bal enable' gives it new clients again",
            BackendReport.Draining => "it is forgotten when the last of them ends",
            BackendReport.Down when backend.Check.IsAwaited => NextCheck(clock, backend),
            BackendReport.Down when backend.Health.LastOutage.ForAll(outage => outage.Until.IsSome) =>
                $"{NextCheck(clock, backend)}; it is offered as soon as its name resolves",
            BackendReport.Down => $"{NextCheck(clock, backend)}; {Successes(health.SuccessesToUp)} it back",
            BackendReport.Cooling =>
                backend.Cooldown.Match(
                    c => $"offered again in {c.Left.ToText()}, at {HistoryText.Time(clock, c.Until)}", () => "")
                + $", or at the first success; {NextCheck(clock, backend)}; {Failures(health.FailuresToDown)} it out",
            _ => $"{NextCheck(clock, backend)}; {Failures(health.FailuresToDown)} it out",
        };
    }

    private static string Unlabelled(string next) =>
        next.StartsWith("next ", StringComparison.Ordinal) ? next["next ".Length..] : next;

    private static string NextCheck(ClockReading clock, BackendExplanation backend) => backend.Check.State switch
    {
        CheckState.InFlight => "a probe is under way",
        CheckState.WaitsForName => "the next check waits for its name to resolve",
        CheckState.None => "no more probes",
        _ => backend.Check.NextAt.Match(
            at => at.IsDue(clock.Now) ? "next probe now" : $"next probe in {at.Since(clock.Now).ToText()}", () => ""),
    };

    private static string Cause(Outage outage, BackendExplanation backend)
    {
        var seen = outage.Seen;
        var brackets = InBrackets(outage.Cause);
        return outage.Cause.Exists(e => e.What is BackendHappening.Failed { Kind: FailureKind.OwnListener })
                ? "its address is one that bal itself listens on"
            : seen == outage.Threshold ? $"{seen} of {outage.Threshold} failed checks{brackets}"
            : seen > outage.Threshold ? $"{seen} failed checks in a row{brackets}; the threshold is {outage.Threshold}"
            : $"{seen} failed check{(seen == 1 ? "" : "s")}{brackets}: "
                + (backend.Check.How.Decides
                    ? "the first answer decides" : "a new backend starts one failure away from down");
    }

    private static string Arithmetic(CooldownExplanation cooldown)
    {
        var policy = cooldown.Cause.Policy;
        var doubled = cooldown.Cause.Protection;
        var cap = cooldown.Capped ? $"{(doubled ? ", the cap doubled by protection mode" : "")}" : "";
        var backoff = $"backoff {policy.Initial.ToText()} x 2^{Math.Max(0, cooldown.Cause.Streak - 1)}"
            + (cooldown.Capped ? $" is capped at {cooldown.Backoff.ToText()}{cap}" : $" = {cooldown.Backoff.ToText()}");
        var floor = $"backend_cooldown_ms {cooldown.Floor.ToText()}{(doubled ? " (doubled by protection mode)" : "")}";
        return cooldown.DecidedBy == CooldownTerm.Backoff
            ? $"{backoff} applies, not being shorter than {floor}; {cooldown.Left.ToText()} left"
            : $"{floor} applies, being longer than {backoff}; {cooldown.Left.ToText()} left";
    }

    private static string NameLine(ClockReading clock, NameExplanation name)
    {
        var next = name.LookingUp ? "a lookup is under way"
            : name.NextLookupAt == Instant.Never ? "no more lookups"
            : name.NextLookupAt.IsDue(clock.Now) ? "next lookup now"
            : $"next lookup in {name.NextLookupAt.Since(clock.Now).ToText()}";
        var addresses = string.Join(", ", name.Addresses);
        return (name.Failing, name.Addresses.IsEmpty) switch
        {
            (true, true) => $"{name.Name} does not resolve, so that every check fails; {next}",
            (true, false) => $"{name.Name} does not resolve; its last good address {addresses} stays in use; {next}",
            (false, true) => $"{name.Name} has not been looked up yet; {next}",
            _ => $"{name.Name} is {addresses}; {next}",
        };
    }

    private static Arr<string> Outages(ClockReading clock, BackendExplanation backend) => backend.Health.LastOutage
        .Bind(outage => outage.Until.Map(until =>
            $"last outage: {HistoryText.Time(clock, outage.Since)} to {HistoryText.Time(clock, until)} "
                + $"({until.Since(outage.Since).ToText()}) after {Cause(outage, backend)}"))
        .Match(Some: line => Prelude.Array(line), None: () => Arr<string>.Empty);

    private static string Successes(int count) => count == 1 ? "1 success brings" : $"{count} successes in a row bring";

    private static string Failures(int count) => count == 1 ? "1 failure takes" : $"{count} failures in a row take";

    private static string InBrackets(Arr<History.BackendEntry> failures) =>
        failures.IsEmpty ? "" : $" ({HistoryText.Failures(failures)})";

    private static string Since(ClockReading clock, Option<Instant> at) =>
        at.Match(t => $" since {HistoryText.Time(clock, t)}", () => "");

    private static string At(ClockReading clock, Option<Instant> at) =>
        at.Match(t => $" at {HistoryText.Time(clock, t)}", () => "");
}
