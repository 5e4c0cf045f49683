using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Messages;

/// <summary>A problem that an operator can act on, in the three lines that every such message of bal has.</summary>
/// <param name="Code">A stable snake_case name of the kind of problem, such as <c>address_in_use</c>.</param>
/// <param name="WhatHappened">The fact, with names and numbers.</param>
/// <param name="WhyLikely">The likeliest cause.</param>
/// <param name="DoThisNow">The next command or edit.</param>
public sealed record Problem(string Code, string WhatHappened, string WhyLikely, string DoThisNow)
{
    /// <summary>Since when, by the wall clock; none where that is not known.</summary>
    public Option<DateTimeOffset> Since { get; init; }

    /// <summary>Three lines, each ending in a newline, whatever the parts hold.</summary>
    public string ToText() =>
        $"what_happened: {Printable.Line(WhatHappened)}\n"
        + $"why_likely: {Printable.Line(WhyLikely)}\n"
        + $"do_this_now: {Printable.Line(DoThisNow)}\n";
}
