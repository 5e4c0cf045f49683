using System.Text;
using Bal.Domain.Backend;
using Bal.Domain.Primitives;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LanguageExt;
using Outcome = Bal.Domain.Backend.Outcome;

namespace Bal.Domain.Specs.Backend;

/// <summary>What comes of a check that asks, however the answer is cut into pieces on its way.</summary>
public class DialogueSpecs
{
    [Property]
    public Property How_an_answer_is_cut_into_pieces_does_not_matter() => Prop.ForAll(
        Script().ListOf().Where(script => script.Count is > 0 and < 6).ToArbitrary(),
        Gen.Choose(1, 5).NonEmptyListOf().ToArbitrary(),
        (script, cuts) =>
        {
            var whole = Run(script, [int.MaxValue]);
            Assert.Equal(KindOf(whole), KindOf(Run(script, [.. cuts])));
            Assert.Equal(script.All(step => step.IsWell), whole == Outcome.Success);
        });

    [Property]
    public void A_backend_that_says_anything_without_end_is_not_heard_for_long(byte[] noise, bool atStart)
    {
        var dialogue = Dialogue.Begin(Exchange(new ExchangeStep(None, Octets.Of("\0never\x1\x2\x3"u8), atStart)));
        var said = noise.Length == 0 ? [7] : noise;
        var heard = 0;
        for (; dialogue.Result.IsNone; heard += said.Length)
            dialogue = dialogue.Received(said);

        Assert.Equal(FailureKind.WrongAnswer, KindOf(dialogue.Result));
        Assert.InRange(heard, 1, Dialogue.MaxHeard + said.Length);
    }

    [Property]
    public void What_is_shown_of_an_answer_is_short_and_can_be_printed(byte[] answer)
    {
        var dialogue = Dialogue.Begin(Exchange(Step(null, "never this"))).Received(answer).Closed();

        var shown = AnswerOf(dialogue);
        Assert.InRange(shown.Length, 1, 160);
        Assert.All(shown, c => Assert.InRange(c, ' ', '~'));
    }

    [Property]
    public void What_was_said_is_not_shown_where_a_backend_repeats_it(NonNull<string> before, NonNull<string> after)
    {
        const string password = "correct-horse-battery";
        foreach (var part in new[] { password, password[..9], password[3..] })
        {
            var dialogue = Dialogue.Begin(Exchange(Step($"AUTH {password}\\r\\n", "never this"))).Sent()
                .Received(Encoding.UTF8.GetBytes($"{before.Get}'{part}'{after.Get}")).Closed();
            Assert.DoesNotContain(part, AnswerOf(dialogue), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_wrong_answer_is_shown_beside_the_expected_one()
    {
        var asked = Dialogue.Begin(Exchange(Step("PING\\r\\n", "+PONG"))).Sent();
        Assert.Equal(Outcome.Success, asked.Received("+PONG\r\n"u8).Result);
        Assert.Equal(
            "expected +PONG, got -LOADING Redis is loading",
            AnswerOf(asked.Received("-LOADING Redis is loading\r\n"u8).TimedOut()));
        Assert.Equal("expected +PONG, got nothing", AnswerOf(asked.TimedOut()));
        Assert.Equal(FailureKind.Timeout, KindOf(asked.TimedOut().Result));
        Assert.Equal(
            "expected +PONG, got nothing: the connection was closed", AnswerOf(asked.Closed()));
        Assert.Equal(FailureKind.Other, KindOf(asked.Closed().Result));
    }

    [Fact]
    public void The_beginning_of_the_right_answer_is_a_slow_one_and_no_wrong_one() => Assert.Equal(
        FailureKind.Timeout,
        KindOf(Dialogue.Begin(Exchange(Step(null, "220", atStart: true))).Received("22"u8).TimedOut().Result));

    /// <summary>The rest of a greeting is not taken for the answer to what is said next.</summary>
    [Fact]
    public void The_rest_of_a_line_belongs_to_the_step_that_heard_its_beginning()
    {
        var greeted = Dialogue.Begin(Exchange(Step(null, "220", true), Step("QUIT\\r\\n", "221", true)))
            .Received("220"u8);
        Assert.Equal("QUIT\r\n", Encoding.ASCII.GetString(greeted.ToSend.Span));

        var quit = greeted.Sent().Received(" mx ESMTP\r\n"u8);
        Assert.True(quit.Result.IsNone);
        Assert.Equal(Outcome.Success, quit.Received("221 Bye\r\n"u8).Result);
        Assert.Equal(FailureKind.WrongAnswer, KindOf(quit.Received("421 busy\r\n"u8).Result));
    }

    [Fact]
    public void Steps_that_only_say_something_end_well_once_it_is_said()
    {
        var dialogue = Dialogue.Begin(Exchange(Step(null, "hello"), Step("bye", null))).Received("hello"u8);
        Assert.True(dialogue.Result.IsNone);
        Assert.Equal(Outcome.Success, dialogue.Sent().Result);
    }

    [Property]
    public void A_status_is_well_if_it_is_listed_or_from_200_to_399_however_it_is_cut(
        NonNegativeInt at, NonNegativeInt status, bool listed, bool bare)
    {
        var code = 200 + (status.Get % 400);
        var line = Encoding.ASCII.GetBytes($"HTTP/1.1 {code}{(bare ? "" : " As it is")}\r\nA: b\r\n\r\n");
        var http = HttpQuestion.Default with { Status = listed ? Prelude.Array(204, 503) : Arr<int>.Empty };
        var cut = at.Get % line.Length;
        var well = listed ? code is 204 or 503 : code < 400;

        var dialogue = Dialogue.Begin(new HealthCheck(CheckType.Http) { Http = http }).Sent()
            .Received("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"u8)
            .Received(line.AsSpan(0, cut)).Received(line.AsSpan(cut)).Closed();

        Assert.Equal(well ? "success" : "wrong_answer", KindOf(dialogue.Result) is { } kind
            ? Failures.WordOf(kind) : "success");
    }

    [Theory]
    [InlineData("HTTP/1.1 2000 OK\r\n")]
    [InlineData("HTTP/1.1  200\r\n")]
    [InlineData("HTTP/1.1 20x OK\r\n")]
    [InlineData("SSH-2.0-OpenSSH\r\n")]
    [InlineData("220 mx\r\n")]
    public void What_is_not_http_is_a_wrong_answer(string answer) => Assert.Equal(
        FailureKind.WrongAnswer,
        KindOf(Dialogue.Begin(new HealthCheck(CheckType.Http)).Sent()
            .Received(Encoding.ASCII.GetBytes(answer)).Result));

    [Fact]
    public void A_request_is_one_of_http_1_1_that_asks_for_the_end_of_the_connection() => Assert.Equal(
        "OPTIONS /primary?lag=1 HTTP/1.1\r\nHost: db\r\nUser-Agent: bal\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        Encoding.ASCII.GetString(Dialogue.Begin(new HealthCheck(CheckType.Http)
        {
            Http = new HttpQuestion("/primary")
            {
                Method = "OPTIONS",
                Host = "db",
                Query = Secret.Of(Octets.Of("lag=1"u8)),
            },
        }).ToSend.Span));

    private static readonly Option<Secret> None = Option<Secret>.None;

    private static HealthCheck Exchange(params ExchangeStep[] steps) =>
        new(CheckType.Exchange) { Exchange = new Arr<ExchangeStep>(steps) };

    private static ExchangeStep Step(string? send, string? expect, bool atStart = false) => new(
        Prelude.Optional(send).Map(text => Secret.Of(Read(text))), Prelude.Optional(expect).Map(Read), atStart);

    private static Octets Read(string text) =>
        Octets.Read(text).Match(Right: octets => octets, Left: why => throw new InvalidOperationException(why));

    private static string AnswerOf(Dialogue dialogue) =>
        dialogue.Result.Bind(outcome => outcome.AnswerGot).IfNone("no answer");

    private static FailureKind? KindOf(Option<Outcome> result) =>
        result.Bind(outcome => outcome.Match(() => Option<FailureKind>.None, kind => kind)).ToNullable();

    // Lines of letters that no other step has; one that is wrong has another sign.
    private static Gen<Part> Script() =>
        from line in Gen.Elements('a', 'b').NonEmptyListOf()
        from begin in Gen.Choose(0, line.Count - 1)
        from length in Gen.Choose(1, line.Count)
        from atStart in Gen.Elements(true, false)
        from says in Gen.Elements(true, true, false)
        from well in Gen.Frequency((6, Gen.Constant(true)), (1, Gen.Constant(false)))
        select new Part(string.Concat(line), atStart ? 0 : begin, length, atStart, says, well);

    private sealed record Part(string Line, int Begin, int Length, bool AtStart, bool Says, bool IsWell);

    private static Option<Outcome> Run(IReadOnlyList<Part> script, int[] cuts)
    {
        var steps = script.Select((part, i) =>
        {
            var wanted = Of(part.Line, i)[part.Begin..Math.Min(part.Line.Length, part.Begin + part.Length)];
            return Step(part.Says || i > 0 ? $"say {i}" : null, part.IsWell ? wanted : wanted + "!", part.AtStart);
        }).ToArray();
        var dialogue = Dialogue.Begin(Exchange(steps));
        var (piece, answered) = (0, 0);
        if (!dialogue.ToSend.IsEmpty)
            dialogue = dialogue.Sent();
        for (; answered < script.Count && dialogue.Result.IsNone; answered++)
        {
            var line = Encoding.ASCII.GetBytes(Of(script[answered].Line, answered) + "\r\n");
            for (var at = 0; at < line.Length && dialogue.Result.IsNone;)
            {
                var size = Math.Min(line.Length - at, cuts[piece++ % cuts.Length]);
                dialogue = dialogue.Received(line.AsSpan(at, size));
                at += size;
                if (!dialogue.ToSend.IsEmpty)
                    dialogue = dialogue.Sent();
            }
        }

        return dialogue.TimedOut().Result;

        static string Of(string line, int step) => string.Concat(line.Select(c => (char)(c + (2 * step))));
    }
}
