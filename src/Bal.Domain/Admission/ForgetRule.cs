namespace Bal.Domain.Admission;

/// <summary>How readily a client is forgotten to make room for another one.</summary>
public enum Forgettable
{
    /// <summary>Never: it has open connections, which count for its limit.</summary>
    Never,

    /// <summary>Only where no better one is found: it would come back with a full bucket.</summary>
    Lastly,

    /// <summary>At once: what is known of it is what is taken for granted of anybody.</summary>
    First,
}

/// <summary>Who is forgotten once a service knows as many clients as it can.</summary>
public static class ForgetRule
{
    /// <summary>
    /// How many clients a newcomer looks at, each time going on where the last one stopped. It finds nobody where all
    /// of them have open connections, and then it shares what there is for newcomers.
    /// </summary>
    public const int Looks = 256;

    /// <summary>How readily a client is forgotten.</summary>
    /// <param name="open">Its open connections, those in other processes of this bal included.</param>
    /// <param name="fullAt">Its bucket (<see cref="ConnectionRate"/>).</param>
    /// <param name="now">Nanoseconds of the monotonic clock.</param>
    public static Forgettable Of(long open, long fullAt, long now) =>
        open > 0 ? Forgettable.Never
        : ConnectionRate.IsFull(fullAt, now) ? Forgettable.First
        : Forgettable.Lastly;

    /// <summary>
    /// Whether, of two that would be forgotten lastly, the first goes rather than the second: the one whose bucket is
    /// full sooner has less to gain.
    /// </summary>
    public static bool GoesBefore(long fullAt, long otherFullAt) => fullAt < otherFullAt;
}
