using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Doctor;
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

    public static readonly Codec<Problem> Problem = Codec.Object<Problem>(
        (json, problem) =>
        {
            json.Put("code", Scalar.Text, problem.Code);
            json.Put("what_happened", Scalar.Text, problem.WhatHappened);
            json.Put("why_likely", Scalar.Text, problem.WhyLikely);
            json.Put("do_this_now", Scalar.Text, problem.DoThisNow);
        },
        json =>
            from code in json.Get("code", Scalar.Text)
            from what in json.Get("what_happened", Scalar.Text)
            from why in json.Get("why_likely", Scalar.Text)
            from now in json.Get("do_this_now", Scalar.Text)
            select new Problem(code, what, why, now));
}
