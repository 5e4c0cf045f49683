using System.Text;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Backend;

/// <summary>
/// How far a health check that asks has come: bytes go in, and what is to be said next or the result comes out. The
/// result does not depend on how the bytes of a line are cut into pieces on their way.
/// </summary>
public sealed record Dialogue
{
    /// <summary>What a backend may say at most.</summary>
    public const int MaxHeard = 16_384;

    private readonly Arr<Turn> turns;
    private readonly Arr<Octets> secrets;

    private Dialogue(Arr<Turn> turns, Arr<Secret> secrets) =>
        (this.turns, this.secrets) = (turns, secrets.Choose(secret => secret.Bytes).ToArr());

    /// <summary>What is to be said now; empty where the backend has to speak.</summary>
    public ReadOnlyMemory<byte> ToSend => Result.IsNone && !Spoken ? turns[At].Say.Bytes : default;

    /// <summary>What came of it; none while it goes on.</summary>
    public Option<Outcome> Result { get; private init; }

    private int At { get; init; }

    private bool Spoken { get; init; }

    // Since the step before, and in all.
    private byte[] Heard { get; init; } = [];

    private int Total { get; init; }

    // What has been expected was in the middle of a line, whose rest may still be on its way.
    private bool LineIsOpen { get; init; }

    // The status is well; the rest is taken, so that the backend can finish what it says.
    private bool IsOver { get; init; }

    private Turn Now => turns[At];

    /// <summary>The beginning of a check on a connection that has just been made.</summary>
    public static Dialogue Begin(HealthCheck check) => new Dialogue(
        check.Type == CheckType.Http
            ? Prelude.Array(new Turn(Request(check.Http), new Wanted.Status(check.Http.Status)))
            : check.Exchange.Map(step => new Turn(
                step.Send.Bind(send => send.Bytes).IfNone(Octets.Empty),
                step.Expect.Map(bytes => (Wanted)(step.AtStart ? new Wanted.Start(bytes) : new Wanted.Part(bytes))))),
        check.Secrets).GoOn();

    /// <summary>All of <see cref="ToSend"/> has been sent.</summary>
    public Dialogue Sent() => (this with { Spoken = true }).GoOn();

    /// <summary>Something has arrived.</summary>
    public Dialogue Received(ReadOnlySpan<byte> bytes)
    {
        if (Result.IsSome || bytes.IsEmpty)
            return this;
        var room = Math.Min(bytes.Length, MaxHeard - Total);
        var after = this with
        {
            Heard = IsOver ? [] : [.. Heard, .. bytes[..room]],
            Total = Total + room,
        };
        var judged = IsOver ? after : after.GoOn();
        return judged.Result.IsNone && judged.Total == MaxHeard ? judged.Closed() : judged;
    }

    /// <summary>The backend has closed the connection, or said more than it may.</summary>
    public Dialogue Closed() => Result.IsSome ? this
        : IsOver ? Ended(Outcome.Success)
        : Heard.Length > 0 ? Wrong()
        : Ended(Failure(FailureKind.Other, $"{Expected}, got nothing: the connection was closed"));

    /// <summary>The time is over.</summary>
    public Dialogue TimedOut() => Result.IsSome ? this
        : IsOver ? Ended(Outcome.Success)
        : Heard.Length == 0 || IsUnfinished ? Ended(Failure(FailureKind.Timeout, $"{Expected}, got {Got}"))
        : Wrong();

    // Only the beginning of what was expected.
    private bool IsUnfinished => Now.Wants.Exists(
        wants => wants is Wanted.Start start && (start.Bytes.Bytes.Span.StartsWith(Heard)
            || (LineIsOpen && start.Bytes.Bytes.Span.StartsWith(AfterLine(Heard)))));

    private string Expected => Now.Wants.Match(wants => $"expected {wants}", () => "expected to be read");

    private string Got
    {
        get
        {
            var line = Now.Wants.Case is Wanted.Status ? Heard.AsSpan().IndexOf((byte)'\n') : -1;
            var shown = Shown.Of(line < 0 ? Heard : Heard.AsSpan(0, line), secrets);
            return shown.Length == 0 ? "nothing" : shown;
        }
    }

    private Dialogue Wrong() => Ended(Failure(FailureKind.WrongAnswer, $"{Expected}, got {Got}"));

    private static Outcome Failure(FailureKind kind, string answer) => new Outcome.Failed(kind) { Answer = answer };

    private Dialogue Ended(Outcome result) => this with { Result = result };

    // Judges what is there; on to the next step as long as that needs nobody.
    private Dialogue GoOn()
    {
        var state = this;
        while (state.Result.IsNone && !state.IsOver)
        {
            if (state.At == state.turns.Count)
                return state.Ended(Outcome.Success);
            if (!state.Spoken && state.Now.Say.Length == 0)
                state = state with { Spoken = true };
            if (!state.Spoken)
                return state;
            var next = state.Judged();
            if (ReferenceEquals(next, state))
                return state;
            state = next;
        }

        return state;
    }

    private Dialogue Judged()
    {
        if (Now.Wants.Case is not Wanted wants)
            return this with { At = At + 1, Spoken = false };
        var found = wants.In(Heard, LineIsOpen);
        if (found == Wanted.Never)
            return Wrong();
        if (found == Wanted.NotYet)
            return this;
        if (wants is Wanted.Status)
            return this with { IsOver = true, Heard = [] };
        var rest = Heard.AsSpan(found);
        // What came along with the answer belongs to it, unless it can only be what the next step waits for.
        var saysNext = At + 1 < turns.Count && turns[At + 1].Say.Length > 0;
        return this with
        {
            At = At + 1,
            Spoken = false,
            Heard = saysNext ? [] : rest.ToArray(),
            LineIsOpen = saysNext && !rest.Contains((byte)'\n') && (found == 0 || Heard[found - 1] != '\n'),
        };
    }

    private static ReadOnlySpan<byte> AfterLine(ReadOnlySpan<byte> bytes) =>
        bytes.IndexOf((byte)'\n') is var end && end < 0 ? [] : bytes[(end + 1)..];

    // RFC 9112, section 3.
    private static Octets Request(HttpQuestion http) => Octets.Of(
    [
        .. Encoding.ASCII.GetBytes($"{http.Method} {http.Path}"),
        .. http.Query.Bind(query => query.Bytes)
            .Match(query => [(byte)'?', .. query.Bytes.Span], () => Array.Empty<byte>()),
        .. Encoding.ASCII.GetBytes(
            $" HTTP/1.1\r\nHost: {http.Host.IfNone("")}\r\nUser-Agent: bal\r\nAccept: */*\r\n"
            + "Connection: close\r\n\r\n"),
    ]);

    private sealed record Turn(Octets Say, Option<Wanted> Wants);

    /// <summary>What an answer has to be.</summary>
    private abstract record Wanted
    {
        /// <summary>It cannot become that any more.</summary>
        public const int Never = -2;

        /// <summary>More has to come.</summary>
        public const int NotYet = -1;

        /// <summary>Where what is wanted ends in what was heard, or one of the above.</summary>
        public abstract int In(ReadOnlySpan<byte> heard, bool lineIsOpen);

        public sealed record Part(Octets Bytes) : Wanted
        {
            public override int In(ReadOnlySpan<byte> heard, bool lineIsOpen) =>
                heard.IndexOf(Bytes.Bytes.Span) is var at && at < 0 ? NotYet : at + Bytes.Length;

            public override string ToString() => Shown.Cut(Bytes.ToString());
        }

        public sealed record Start(Octets Bytes) : Wanted
        {
            public override int In(ReadOnlySpan<byte> heard, bool lineIsOpen)
            {
                var at = Begins(heard);
                if (at != Never || !lineIsOpen)
                    return at;
                var line = heard.IndexOf((byte)'\n') + 1;
                return line == 0 ? NotYet : Begins(heard[line..]) is var after && after > 0 ? line + after : after;
            }

            public override string ToString() => Shown.Cut(Bytes.ToString());

            private int Begins(ReadOnlySpan<byte> heard) => heard.StartsWith(Bytes.Bytes.Span) ? Bytes.Length
                : Bytes.Bytes.Span.StartsWith(heard) ? NotYet : Never;
        }

        // The status line, RFC 9112, section 4; an interim answer (1xx) is passed over.
        public sealed record Status(Arr<int> Well) : Wanted
        {
            public override int In(ReadOnlySpan<byte> heard, bool lineIsOpen)
            {
                for (var at = 0; ;)
                {
                    var line = heard[at..];
                    if (!BeginsLike(line))
                        return Never;
                    if (line.IndexOf((byte)'\n') is var end && end < 0)
                        return NotYet;
                    if (CodeOf(line[..end]) is not { } code)
                        return Never;
                    if (code / 100 != 1)
                        return (Well.IsEmpty ? code is >= 200 and <= 399 : Well.Contains(code)) ? at + end + 1 : Never;
                    if (line.IndexOf("\r\n\r\n"u8) is var over && over < 0)
                        return NotYet;
                    at += over + 4;
                }
            }

            public override string ToString() =>
                Well.IsEmpty ? "an HTTP status from 200 to 399" : $"HTTP status {string.Join(" or ", Well)}";

            private static bool BeginsLike(ReadOnlySpan<byte> line) =>
                line.Length < 5 ? "HTTP/"u8.StartsWith(line) : line.StartsWith("HTTP/"u8);

            private static int? CodeOf(ReadOnlySpan<byte> line)
            {
                var at = line.IndexOf((byte)' ') + 1;
                if (at == 0 || line.Length < at + 3 || (line.Length > at + 3 && line[at + 3] is not (32 or 13)))
                    return null;
                var code = 0;
                foreach (var digit in line.Slice(at, 3))
                {
                    if (!char.IsAsciiDigit((char)digit))
                        return null;
                    code = (10 * code) + digit - '0';
                }

                return code;
            }
        }
    }

    /// <summary>An answer as it is shown: cut, printable, and without what it repeats of what was said.</summary>
    private static class Shown
    {
        private const int Most = 120;
        private const int LongestWord = 8;
        private const int ShortestWord = 4;

        public static string Cut(string text) => text.Length <= Most ? text : text[..Most] + "...";

        public static string Of(ReadOnlySpan<byte> heard, Arr<Octets> secrets)
        {
            var whole = heard.TrimEnd(" \r\n\t\0"u8).TrimStart("\r\n"u8);
            var near = whole[..Math.Min(whole.Length, Most + LongestWord)];
            var hidden = new bool[near.Length];
            foreach (var octets in secrets)
                Hide(near, octets.Bytes.Span, hidden);
            var text = new StringBuilder();
            for (var i = 0; i < near.Length && text.Length < Most; i++)
            {
                if (!hidden[i])
                    text.Append(Octets.ToText(near.Slice(i, 1)));
                else if (i == 0 || !hidden[i - 1])
                    text.Append("***");
            }

            return text.Length < Most && near.Length == whole.Length ? text.ToString() : text.Append("...").ToString();
        }

        // A server may quote a password in its error. Words of it are hidden, long ones even in part.
        private static void Hide(ReadOnlySpan<byte> heard, ReadOnlySpan<byte> said, bool[] hidden)
        {
            while (!said.IsEmpty)
            {
                var end = said.IndexOfAny(" \r\n\t\0\"'"u8);
                var word = end < 0 ? said : said[..end];
                said = end < 0 ? [] : said[(end + 1)..];
                var size = Math.Min(word.Length, LongestWord);
                for (var at = 0; size >= ShortestWord && at + size <= word.Length; at++)
                {
                    for (var from = 0; heard[from..].IndexOf(word.Slice(at, size)) is var found && found >= 0;)
                    {
                        hidden.AsSpan(from + found, size).Fill(true);
                        from += found + 1;
                    }
                }
            }
        }
    }
}
