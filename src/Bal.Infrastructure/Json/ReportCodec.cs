using System.Globalization;
using Bal.Domain.Messages;
using Bal.Domain.Recording;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>The forms of what several reports have.</summary>
internal static class ReportCodec
{
    /// <summary>RFC 3339 in UTC with milliseconds, ending in <c>Z</c>.</summary>
    public static readonly Codec<DateTimeOffset> Time = Scalar.Text
        .Where(text =>
            DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _),
            "a time (RFC 3339)")
        .Wrap<DateTimeOffset>(
            time => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
            text => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal));

    /// <summary>The same, or null.</summary>
    public static readonly Codec<Option<DateTimeOffset>> MaybeTime = Codec.Maybe(Time);

    /// <summary>The member <c>config_path</c>: null where there is no file.</summary>
    public static string ConfigPath<T>(Members<T> members, Func<T, string> get) => members.Of(
        "config_path",
        Codec.Maybe(Scalar.Text),
        report => Option<string>.Some(get(report)).Filter(path => path.Length > 0)).IfNone("");

    /// <summary>The three lines of a problem, and its code.</summary>
    public static readonly Body<Problem> Problem = Body.Of<Problem>(m => new(
        m.Of("code", Scalar.Text, p => p.Code),
        m.Of("what_happened", Scalar.Text, p => p.WhatHappened),
        m.Of("why_likely", Scalar.Text, p => p.WhyLikely),
        m.Of("do_this_now", Scalar.Text, p => p.DoThisNow)));
}
