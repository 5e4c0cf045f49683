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

    public static readonly Codec<FailureKind> Kind =
        Codec.Words(AllKinds, kind => ControlLines.Reason(Outcome.Failure(kind)));

    /// <summary><c>success</c>, or the kind of failure.</summary>
    public static readonly Codec<Outcome> Outcomes = Codec.Words(
        AllKinds.Map(Outcome.Failure).Add(Outcome.Success), ControlLines.Reason);

    public static readonly Codec<Problem> Problem = Codec.Object<Problem>(m => new(
        m.Of("code", Scalar.Text, p => p.Code),
        m.Of("what_happened", Scalar.Text, p => p.WhatHappened),
        m.Of("why_likely", Scalar.Text, p => p.WhyLikely),
        m.Of("do_this_now", Scalar.Text, p => p.DoThisNow)));
}
