using LanguageExt;

namespace Bal.Domain.Backend;

/// <summary>What kinds of failure have in common.</summary>
public static class Failures
{
    // The most telling first.
    private static readonly Arr<FailureKind> Telling = new(
    [
        FailureKind.OwnListener, FailureKind.WrongAnswer, FailureKind.Refused, FailureKind.Timeout, FailureKind.Other,
        FailureKind.NoRoute, FailureKind.NotPermitted, FailureKind.Local,
    ]);

    /// <summary>
    /// Which of two failures says more about a backend with several addresses: one that leads to bal itself, then what
    /// came from the other side, then what kept this machine from reaching it.
    /// </summary>
    public static FailureKind MoreTelling(FailureKind one, FailureKind other) =>
        Telling.IndexOf(one) <= Telling.IndexOf(other) ? one : other;

    /// <summary>Which of timeout, refused, other and local it counts as.</summary>
    public static FailureKind CountedAs(FailureKind kind) => kind switch
    {
        FailureKind.NoRoute or FailureKind.NotPermitted or FailureKind.OwnListener or FailureKind.WrongAnswer
            => FailureKind.Other,
        _ => kind,
    };

    /// <summary>The stable word for a kind, as logs and JSON show it.</summary>
    public static string WordOf(FailureKind kind) => kind switch
    {
        FailureKind.Timeout => "timeout",
        FailureKind.Refused => "refused",
        FailureKind.Local => "local",
        FailureKind.NoRoute => "no_route",
        FailureKind.NotPermitted => "not_permitted",
        FailureKind.OwnListener => "own_listener",
        FailureKind.WrongAnswer => "wrong_answer",
        _ => "other",
    };
}
