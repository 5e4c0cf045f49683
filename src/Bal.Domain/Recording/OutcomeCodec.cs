using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using LanguageExt;
using Outcome = Bal.Domain.Backend.Outcome;

namespace Bal.Domain.Recording;

/// <summary>The forms of what connects show, and of problems.</summary>
internal static class OutcomeCodec
{
    private static readonly Arr<FailureKind> AllKinds =
        new([FailureKind.Timeout, FailureKind.Refused, FailureKind.Other, FailureKind.Local]);

    // Later kinds are told apart by a member of their own, which 0.1.0 passes over.
    private static readonly Arr<FailureKind> LaterKinds =
        new([FailureKind.NoRoute, FailureKind.NotPermitted, FailureKind.OwnListener, FailureKind.WrongAnswer]);

    private static readonly Codec<FailureKind> Kinds = Codec.Words(AllKinds, Failures.WordOf);

    private static readonly Codec<FailureKind> Reasons =
        Codec.Words(AllKinds.AddRange(LaterKinds), Failures.WordOf);

    private static readonly Codec<Outcome> Results =
        Codec.Words(AllKinds.Map(Outcome.Failure).Add(Outcome.Success), ControlLines.Reason);

    private static readonly Codec<Outcome> LaterResults =
        Codec.Words(LaterKinds.Map(Outcome.Failure), ControlLines.Reason);

    /// <summary>The kind of a failure.</summary>
    public static readonly Body<FailureKind> Kind = Body.Of<FailureKind>(m =>
        m.Unless("reason", Reasons, kind => kind, m.Of("failure", Kinds, Failures.CountedAs)));

    /// <summary><c>success</c>, or the kind of failure.</summary>
    public static readonly Body<Outcome> Outcomes = Body.Of<Outcome>(m =>
    {
        var outcome = m.Unless("reason", LaterResults, Bare, m.Of("outcome", Results, Coarse));
        var answer = m.Unless("answer", OverrideCodec.MaybeText, o => o.AnswerGot, Option<string>.None);
        return outcome is Outcome.Failed failed && answer.IsSome ? failed with { Answer = answer } : outcome;
    });

    private static Outcome Bare(Outcome outcome) => outcome.Match(() => outcome, Outcome.Failure);

    private static Outcome Coarse(Outcome outcome) =>
        outcome.Match(() => outcome, kind => Outcome.Failure(Failures.CountedAs(kind)));

    public static readonly Codec<Problem> Problem = Codec.Object<Problem>(m => new(
        m.Of("code", Scalar.Text, p => p.Code),
        m.Of("what_happened", Scalar.Text, p => p.WhatHappened),
        m.Of("why_likely", Scalar.Text, p => p.WhyLikely),
        m.Of("do_this_now", Scalar.Text, p => p.DoThisNow)));
}
